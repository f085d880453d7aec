package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// carry runs a command that reads files, and returns what it leaves behind.
func carry(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(deadline(t), args, noEnv, &out, &errs)
	return code, out.String(), errs.String()
}

// strictly decodes JSON that must have the fields of T and no others, all of
// them in lower case as T names them, and nothing behind it.
func strictly[T any](t *testing.T, text string) (v T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("there is more behind the JSON: %s", text)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	_ = json.Unmarshal([]byte(text), &want)
	_ = json.Unmarshal(again, &got)
	if a, b := indent(t, want), indent(t, got); a != b {
		t.Fatalf("it lacks fields:\n%s\nwant\n%s", a, b)
	}
	return v
}

func indent(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// printed compares what was printed.
func printed(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("it printed\n%s\nwant\n%s", got, want)
	}
}
