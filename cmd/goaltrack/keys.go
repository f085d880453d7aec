package main

import (
	"encoding/hex"
	"fmt"

	"github.com/goaltrack/goaltrack"
)

// parseKeys reads HASH, BLOCK and perhaps OLDHASH, OLDBLOCK, in hexadecimal
// digits. A fault is named by its place and not by its text, because keys are
// secret.
func parseKeys(words []string) (keys []goaltrack.Key, err error) {
	if len(words)%2 != 0 {
		return nil, fmt.Errorf("keys come in pairs, HASH,BLOCK, with the present pair first, and this is %s; \"openssl rand -hex 32\" makes one", counted(len(words), "key"))
	}
	raw := make([][]byte, len(words))
	for i, word := range words {
		if raw[i], err = hex.DecodeString(word); err != nil {
			return nil, fmt.Errorf("the key at place %d is not made of pairs of hexadecimal digits", i+1)
		}
	}
	for i := 0; i < len(raw); i += 2 {
		keys = append(keys, goaltrack.Key{Hash: raw[i], Block: raw[i+1]})
	}
	return keys, nil
}
