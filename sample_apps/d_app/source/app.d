/// Greets through the collector and the standard library.
import std.algorithm : joiner;
import std.conv : to;
import std.stdio : writeln;

void main()
{
    writeln(["hello", "from", "D"].joiner(" ").to!string);
}
