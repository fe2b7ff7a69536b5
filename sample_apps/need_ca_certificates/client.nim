import std/[httpclient, os]

echo newHttpClient().getContent(paramStr(1))
