package web

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzQueryValue: reading one parameter is the same as parsing all of them.
func FuzzQueryValue(f *testing.F) {
	for _, query := range []string{
		"q=shoes", "", "q", "q=", "=q", "&&q=1", "q=1&q=2", "Q=1", "q=%20+%2B", "q=%zz&q=2", "%71=1", "%zz=1&q=2", "a;q=1&q=2", "q=1;b=2&q=3",
		"a+b=1", "a%2Bb=1", "q=a=b", "q=\xff", "q=%ff", "+=1",
	} {
		f.Add(query, "q")
		f.Add(query, "a+b")
		f.Add(query, "a b")
		f.Add(query, " ")
	}
	f.Fuzz(func(t *testing.T, query, name string) {
		// The standard library gives up beyond a number of parameters.
		if name == "" || strings.Count(query, "&") > 1_000 {
			return
		}
		values, _ := url.ParseQuery(query) // It keeps what it understood, and so do we.
		got, ok := QueryValue(query, name)
		if ok != values.Has(name) || got != values.Get(name) {
			t.Errorf("%q in %q: %q, %v; url.ParseQuery %q", name, query, got, ok, values)
		}
	})
}
