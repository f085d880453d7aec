package web

import (
	"net/url"
	"strings"
)

// QueryValue returns the first value of a query parameter, as url.Values.Get
// would, without decoding the others. It returns false if there is none. A
// parameter that cannot be decoded counts as absent.
func QueryValue(rawQuery, name string) (string, bool) {
	for rawQuery != "" {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		k, v, _ := strings.Cut(pair, "=")
		if strings.IndexByte(pair, ';') >= 0 {
			continue // as net/url since Go 1.17
		}
		if strings.IndexByte(k, '%') >= 0 || strings.IndexByte(k, '+') >= 0 {
			var err error
			if k, err = url.QueryUnescape(k); err != nil {
				continue
			}
		}
		if k != name {
			continue
		}
		if v, err := url.QueryUnescape(v); err == nil {
			return v, true
		}
	}
	return "", false
}

// QueryValues returns the values of a parameter that an address may repeat, at most so many.
func QueryValues(rawQuery, name string, most int) (values []string) {
	for rawQuery != "" && len(values) < most {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		if v, ok := QueryValue(pair, name); ok {
			values = append(values, v)
		}
	}
	return values
}
