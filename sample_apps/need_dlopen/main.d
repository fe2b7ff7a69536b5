// Phobos opens libcurl by name.
import etc.c.curl : CurlOption;
import std.net.curl : Curl;
import std.stdio : write;

void main()
{
    Curl curl;
    curl.initialize();
    curl.set(CurlOption.url, "file:///proc/sys/kernel/ostype");
    curl.onReceive = (ubyte[] data) { write(cast(char[]) data); return data.length; };
    curl.perform();
}
