// A server alone: it verifies nobody, whatever of crypto/x509 the linker kept.
package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "served") })
	fmt.Println(http.ListenAndServe("127.0.0.1:0", nil))
}
