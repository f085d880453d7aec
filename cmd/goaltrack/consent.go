package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack"
)

// consentReader makes the reader of a cookie described as NAME=VALUE; see
// [goaltrack.ConsentCookie]. An empty description is no reader.
func consentReader(described string) (func(*http.Request) goaltrack.Consent, error) {
	if described == "" {
		return nil, nil
	}
	name, value, ok := strings.Cut(described, "=")
	read, err := http.ParseCookie(described)
	if !ok || value == "" || err != nil || len(read) != 1 {
		return nil, errors.New("a cookie is described as NAME=VALUE, such as consent=yes")
	}
	return goaltrack.ConsentCookie(name, value), nil
}
