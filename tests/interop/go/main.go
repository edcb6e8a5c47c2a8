// The program interop checks Ciuic's ledger and witness from outside: it shares no code with them, only the C2SP
// specifications (c2sp.org) and the reference implementation golang.org/x/mod/sumdb. It has three commands:
//
//	interop tlogcheck       reads a ledger's folder and checks every tree head that was ever published
//	interop foreignwitness  is a witness, for ledgers of ours
//	interop foreignlog      is a log with entries of its own, for witnesses of ours
//
// Each ends with code 1 and one line on the first deviation.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

func main() {
	commands := map[string]func(arguments []string) error{
		"tlogcheck":      tlogcheck,
		"foreignwitness": foreignWitness,
		"foreignlog":     foreignLog,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: interop tlogcheck | foreignwitness | foreignlog")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// printLine prints a value as one line of JSON, for the tests that started this program.
func printLine(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

// keyList is a flag that may be given several times.
type keyList []string

func (l *keyList) String() string { return strings.Join(*l, " ") }

func (l *keyList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
