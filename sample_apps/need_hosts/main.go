// Built with cgo and told to ask the C library (GODEBUG=netdns=cgo).
package main

import (
	"context"
	"fmt"
	"net"
)

func main() {
	found, err := net.DefaultResolver.LookupIP(context.Background(), "ip4", "localhost")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found[0])
}
