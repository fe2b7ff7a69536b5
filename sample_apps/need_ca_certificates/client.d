import std.net.curl : get;
import std.stdio : write;

void main(string[] words)
{
    write(get(words[1]));
}
