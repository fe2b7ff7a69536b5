// Asks the C library for the host's page size, through cgo.
package main

// #include <unistd.h>
import "C"

import "fmt"

func main() {
	fmt.Println("hello from Go and C, pages of at least 4096 bytes:", C.sysconf(C._SC_PAGESIZE) >= 4096)
}
