import std.stdio : File, write;

void main()
{
    write(File("/proc/sys/kernel/ostype").readln());
}
