// Package dice makes rule files and requests at random, for tests that compare what two ways
// make of them.
package dice

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

// Dice make rules and requests. Names and values are few, so that they meet.
type Dice struct{ *rand.Rand }

// Chance is true once in so many times.
func (d Dice) Chance(oneIn int) bool { return d.IntN(oneIn) == 0 }

// Of is one of the texts.
func (d Dice) Of(from ...string) string { return from[d.IntN(len(from))] }

var (
	requestSources = []string{"query.q", "query.n", "header.X-Kind", "cookie.plan", "utm.source", "app.plan"}
	bodySources    = []string{"form.topic", "form.website", "form.n", "json.topic", "json.website", "json.user.plan", "json.n", "form.form"}
	answerSources  = []string{"response.header.X-Kind", "response.json.ok", "response.json.n"}
	littleValues   = []string{"a", "b", "7", "true", ""}
	littlePaths    = []string{"/form", "/Form/", "/form/12", "/thanks", "/login", "/orders/7", "/", "/files/a.pdf", "/form//x"}
)

// Rules makes a rule file.
func (d Dice) Rules() string {
	var b strings.Builder
	b.WriteString("version: 1\ncookies: [plan]\n" + d.Of("", "", "defaults: { failure: [/orders/*, '!/login'] }\n") + "goals:\n")
	for i := range 1 + d.IntN(6) {
		fmt.Fprintf(&b, "  - { goal: GOAL_%d, %s }\n", i, strings.Join(d.goal(), ", "))
	}
	return b.String()
}

// goal makes the lines of one goal.
func (d Dice) goal() (keys []string) {
	submits := !d.Chance(4)
	readable := slices.Concat(requestSources, answerSources)
	if submits {
		readable = slices.Concat(readable, bodySources, bodySources)
	}
	switch {
	case submits && d.Chance(5):
		keys = append(keys, "any: [ { submit: /form }, { submit: '/{x}/12' }, { submit: { path: '/**', method: PUT } } ]")
	case submits:
		keys = append(keys, d.Of("submit: /form", "submit: /form", "submit: '/form/{id}'", "submit: '/**'",
			"submit: { path: /form, method: PUT }", "submit: { path: '/**', form: a }"))
	default:
		keys = append(keys, d.Of("visit: /form", "visit: '/**'", "visit: '/{a}/{b}'", "download: '/**/{file}.pdf'", "download: /form"))
	}
	if submits {
		keys = append(keys, d.success()...)
	}
	for _, side := range []string{"if", "unless"} {
		if tests := d.tests(readable); d.Chance(2) {
			keys = append(keys, side+": "+tests)
		}
	}
	if d.Chance(2) {
		keys = append(keys, fmt.Sprintf("data: { x: $%s, y: $%s, z: { from: $%s, as: number } }", d.Of(readable...), d.Of(readable...), d.Of(readable...)))
	}
	if d.Chance(4) {
		keys = append(keys, "decimal: "+d.Of("comma", "point"))
	}
	if d.Chance(6) {
		keys = append(keys, fmt.Sprintf("value: { from: $%s, max: 10 }", d.Of(readable...)))
	}
	if d.Chance(8) {
		keys = append(keys, "page: $"+d.Of(readable...))
	}
	if d.Chance(8) {
		keys = append(keys, d.Of("status: draft", "status: paused", "hosts: [shop.example]", "from: 2020-01-01", "until: 2020-01-01", "consent: not-needed"))
	}
	return keys
}

func (d Dice) success() []string {
	if d.Chance(3) {
		return nil
	}
	s := d.Of("redirect", "redirect to /thanks", "redirect to /orders/{n}", "303 to /thanks", "'200'", "2xx", "'303'", "redirect to /{a}", "redirect to /form/**", "confirmed",
		"{ response.json.ok: true }", "{ response.json.error: absent }", "{ response.header.X-Kind: a }", "{ response.type: text/html }", "422")
	return []string{"success: " + s}
}

func (d Dice) tests(sources []string) string {
	tests := map[string]string{}
	for range 1 + d.IntN(2) {
		tests[d.Of(slices.Concat(sources, []string{"path", "host", "response.type", "referrer"})...)] = d.Of("present", "present", "absent", "a", "[a, b, 7]", "'> 5'", "'<= 7'", "'~ ^[ab]'", "true")
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(tests)) {
		v := tests[key]
		if key == "path" {
			v = d.Of("/form", "/form/*", "[/form, /]")
		}
		pairs = append(pairs, key+": "+v)
	}
	return "{ " + strings.Join(pairs, ", ") + " }"
}

// Line makes a request and its answer, as goaltrack try takes them.
func (d Dice) Line() string {
	method := d.Of("GET", "POST", "POST", "POST", "PUT")
	words := []string{method, d.Of("/form", d.Of(littlePaths...), "/_next/data/B1/form.json") + d.Of("", "", "?q=a", "?q=b&n=7", "?utm_source=a", "?n=%37&q", "?q=%zz")}
	add := func(oneIn int, name string, values ...string) {
		if d.Chance(oneIn) {
			words = append(words, name+"="+d.Of(values...))
		}
	}
	words = append(words, "host="+d.Of("shop.example", "www.shop.example", "shop.example:8080"))
	add(2, "header.X-Kind", "a", "b")
	add(2, "cookie.plan", littleValues...)
	add(2, "app.plan", littleValues...)
	add(4, "header.Referer", "https://other.example/a", "https://shop.example/form")
	add(6, "header.Sec-Fetch-Dest", "document", "iframe", "empty")
	add(12, d.Of("header.HX-Boosted", "header.RSC", "header.X-Turbo-Request-ID"), "1")
	if method != http.MethodGet {
		words = append(words, d.body()...)
	}
	words = append(words, "->", d.Of("200", "206", "200", "303", "303", "302", "201", "204", "304", "404", "422", "500"))
	if s := words[len(words)-1]; s[0] == '3' && s != "304" {
		words = append(words, d.Of("/thanks", "/thanks", "/form?error=1", "/login", "/orders/7", "https://other.example/", "/form/12", "//shop.example/thanks", "/",
			"/form;jsessionid=1", "/thanks?next=/form", "/Form%20", "/en/login", "/thanks?error=1", "https://shop.example/thanks#a", "///shop.example/thanks", "/orders/error", "/form/new", "/thanks#error=1", "/app#/login"))
	}
	add(12, "response.header."+d.Of("HX-Redirect", "X-Action-Redirect", "X-Nextjs-Redirect"), "/login", "/thanks", "/form")
	add(12, "response.header.Refresh", `"0;url=/login"`, `"0;url=/thanks"`, "5")
	add(12, "response.header.Content-Disposition", "attachment", "inline")
	add(12, "response.json.pageProps.__N_REDIRECT", "/login")
	add(3, "type", "text/html", "application/json", "application/pdf", "text/plain")
	add(2, "response.header.X-Kind", "a", "b")
	add(3, "response.json.ok", "true", "false", "1")
	add(6, "response.json.n", "7", "a")
	add(3, "response.header.Content-Range", `"bytes 0-1999/2000"`, `"bytes 0-1/2000"`, `"bytes 5-1999/2000"`)
	add(8, "response.header.Content-Encoding", "br", "identity", "gzip", "X-GZIP", "deflate", `"deflate, gzip"`, `"gzip, br"`)
	if d.Chance(6) {
		words = append(words, "confirmed")
	}
	return strings.Join(words, " ")
}

// body makes a form, JSON, or nothing.
func (d Dice) body() (words []string) {
	prefix, names := "form.", []string{"topic", "website", "n", "form", "other"}
	switch d.IntN(6) {
	case 0:
		return nil
	case 1, 2:
		prefix, names = "json.", []string{"topic", "website", "n", "user.plan"}
	}
	for _, name := range names {
		if d.Chance(2) {
			if prefix == "form." && d.Chance(4) {
				words = append(words, prefix+name+"="+d.Of(littleValues...)) // the name comes twice
			}
			words = append(words, prefix+name+"="+d.Of(d.Of(littleValues...), d.Of(littleValues...), d.Of("1.234", "-7,5", "Infinity", "NaN", "6.5"), "a&b=c;d%", "\xffü", strings.Repeat("x", 1500), strings.Repeat("x", 2500)))
		}
	}
	if prefix == "form." && len(words) > 0 && d.Chance(3) {
		words = append(words, "header.Content-Type=multipart/form-data")
	} else if d.Chance(4) {
		words = append(words, "header.Content-Type="+d.Of("text/plain", "application/vnd.a+json"))
	}
	if d.Chance(8) {
		words = append(words, "header.Content-Encoding="+d.Of("gzip", "identity"))
	}
	return words
}
