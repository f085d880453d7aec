package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack"
)

// consentReader reads a visitor's consent from a cookie, described as
// NAME=VALUE: granted when the cookie has that value, refused at any other,
// unknown when there is no such cookie. An empty description is no reader.
func consentReader(described string) (func(*http.Request) goaltrack.Consent, error) {
	if described == "" {
		return nil, nil
	}
	name, value, ok := strings.Cut(described, "=")
	read, err := http.ParseCookie(described)
	if !ok || value == "" || err != nil || len(read) != 1 {
		return nil, errors.New("a cookie is described as NAME=VALUE, such as consent=yes")
	}
	return func(r *http.Request) goaltrack.Consent {
		cookies := r.CookiesNamed(name)
		if len(cookies) == 0 {
			return goaltrack.ConsentUnknown
		}
		for _, c := range cookies {
			if c.Value != value {
				return goaltrack.ConsentRefused // two that disagree are no consent
			}
		}
		return goaltrack.ConsentGranted
	}, nil
}
