package rule

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// address takes the host out of an address that stands where the path does, or alone, as
// it is copied from a browser. It returns the words as they are written without it.
func (e *Example) address(words []string) ([]string, error) {
	at := 0
	if len(words) > 1 && isMethod(words[0]) {
		at = 1
	}
	if len(words) == 0 || !isAddress(words[at]) {
		return words, nil
	}
	if err := e.SetURL(words[at]); err != nil {
		return words, err
	}
	method := http.MethodGet
	if at == 1 {
		method = words[0]
	}
	return append([]string{method, e.Path}, words[at+1:]...), nil
}

// isAddress reports whether a word begins with http:// or https://.
func isAddress(word string) bool {
	scheme, _, ok := strings.Cut(word, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// SetURL sets the host and the path to those of a whole address, such as
// https://shop.example/pricing?from=mail#top. What stands behind the # never leaves a
// browser. The error is for the person who wrote the address.
func (e *Example) SetURL(address string) error {
	address, _, _ = strings.Cut(address, "#")
	_, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, `/?\`)
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	host = host[strings.LastIndexByte(host, '@')+1:] // behind a name and a password
	if u, err := url.Parse("http://" + host); err != nil || u.Hostname() == "" || !isAddress(address) {
		return fmt.Errorf("%q is no address, such as https://shop.example/pricing", address)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	e.Host, e.Path = host, path
	return nil
}
