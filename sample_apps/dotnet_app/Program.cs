System.Console.WriteLine("hello from .NET");
