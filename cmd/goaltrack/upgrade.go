package main

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// http2 is what a request says that asks for HTTP/2 on its connection. RFC 9113, section
// 3.1, has given that up. The proxy does not pass it on: nobody here would see the requests
// that the site then answers, and no limit would hold for them
// (https://bishopfox.com/blog/h2c-smuggling-request).
const http2 = "h2c"

// upgradeOf returns what a request asks to speak on its connection from now on, beside
// HTTP/2; "" if nothing.
func upgradeOf(h http.Header) string {
	if !httpguts.HeaderValuesContainsToken(h["Connection"], "Upgrade") {
		return ""
	}
	protocols := strings.Split(h.Get("Upgrade"), ",")
	protocols = slices.DeleteFunc(protocols, func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), http2) })
	return strings.TrimSpace(strings.Join(protocols, ","))
}

// keepHTTP1 takes HTTP/2 out of what the site is asked to speak.
func keepHTTP1(h http.Header) {
	if !httpguts.HeaderValuesContainsToken(h["Upgrade"], http2) {
		return
	}
	h.Del("Http2-Settings")
	if protocols := upgradeOf(h); protocols != "" {
		h.Set("Upgrade", protocols)
		return
	}
	h.Del("Upgrade")
	h.Del("Connection")
}
