package main

import (
	"bytes"
	"os"
	"testing"
)

// TestGenerated: the committed file is made of the sources that are beside it.
func TestGenerated(t *testing.T) {
	want, err := build("../script")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../script.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("page/script.min.js is not made of page/script: go generate ./page")
	}
}
