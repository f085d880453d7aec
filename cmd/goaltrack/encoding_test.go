package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const answerRules = `
version: 1
goals:
  - { goal: STATED, submit: /stated, success: { response.json.ok: true } }
  - { goal: ABSENT, submit: /absent, success: { response.json.errors: absent, response.type: application/json } }
  - { goal: UNLESS, submit: /unless, success: 2xx, unless: { response.json.ok: false } }
  - { goal: CONDITION, submit: /condition, if: { query.a: b }, success: { response.json.ok: true } }
  - { goal: OTHER, submit: /other, success: 2xx }
`

// packingSite answers every form in JSON, accepted unless the query says no, and
// compressed in the best way that the request accepts, as web servers do. With
// wilful in the query it takes br, which was not asked for. It writes down what
// it was asked for.
func packingSite(t *testing.T, asked chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Type", "text/html")
			say(w, "<!doctype html><title>Forms</title>")
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		accept := strings.Join(r.Header.Values("Accept-Encoding"), " & ")
		asked <- accept
		answer := `{"ok":true}`
		if strings.Contains(r.URL.RawQuery, "no") {
			answer = `{"ok":false,"errors":["email"]}`
		}
		w.Header().Set("Content-Type", "application/json")
		var packed bytes.Buffer
		switch {
		case strings.Contains(accept, "br") || strings.Contains(r.URL.RawQuery, "wilful"):
			w.Header().Set("Content-Encoding", "br")
			packed.WriteString("not for us: " + answer)
		case strings.Contains(accept, "gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(&packed)
			say(z, "%s", answer)
			_ = z.Close()
		case strings.Contains(accept, "deflate"):
			w.Header().Set("Content-Encoding", "deflate")
			z, err := flate.NewWriter(&packed, flate.BestSpeed)
			if err != nil {
				t.Error(err)
			}
			say(z, "%s", answer)
			_ = z.Close()
		default:
			packed.WriteString(answer)
		}
		_, _ = w.Write(packed.Bytes())
	})
}

// TestProxyReadsCompressedAnswers puts a site that compresses behind the proxy.
// A rule that reads the answer counts only what was accepted. The client gets
// an answer that it can read. A request that no such rule concerns goes on as
// it came.
func TestProxyReadsCompressedAnswers(t *testing.T) {
	asked := make(chan string, 1)
	site := httptest.NewServer(packingSite(t, asked))
	defer site.Close()
	stand := cdptest.New(cdptest.Options{})
	tenant := httptest.NewServer(stand)
	defer tenant.Close()
	proxy := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--rules="+write(t, "goals.yaml", answerRules),
		"--cdp="+tenant.URL, "--client-key=key", "--pos=shop")
	visitor := newVisitor(t, proxy.url)
	visitor.Transport = &http.Transport{DisableCompression: true}

	const chrome = "gzip, deflate, br, zstd"
	var want []string
	for _, form := range []struct {
		target, accept string // no header if that is "-"
		asked, packed  string // what the site is asked for, and how it answers
		goal           string // what the CDP is told
	}{
		{"/stated", chrome, "gzip, deflate", "gzip", "STATED"},
		{"/stated?no", chrome, "gzip, deflate", "gzip", ""},
		{"/absent", chrome, "gzip, deflate", "gzip", "ABSENT"},
		{"/absent?no", chrome, "gzip, deflate", "gzip", ""},
		{"/unless", chrome, "gzip, deflate", "gzip", "UNLESS"},
		{"/unless?no", chrome, "gzip, deflate", "gzip", ""},
		{"/stated", "-", "", "", "STATED"},
		{"/absent?no", "-", "", "", ""},
		{"/stated", "identity", "identity", "", "STATED"},
		{"/stated", "gzip", "gzip", "gzip", "STATED"},
		{"/absent?no", "gzip", "gzip", "gzip", ""},
		{"/stated", "deflate;q=0.5, br", "deflate;q=0.5", "deflate", "STATED"},
		{"/absent?no", "deflate;q=0.5, br", "deflate;q=0.5", "deflate", ""},
		{"/stated", "br", "identity", "", "STATED"},
		{"/absent?no", "br", "identity", "", ""},
		{"/stated", "br, identity;q=0", "br, identity;q=0", "br", ""},
		{"/absent?no", "br, identity;q=0", "br, identity;q=0", "br", ""},
		{"/unless", "br, *;q=0", "br, *;q=0", "br", ""},
		{"/absent?no&wilful", chrome, "gzip, deflate", "br", ""},
		{"/condition?a=b", chrome, "gzip, deflate", "gzip", "CONDITION"},
		{"/condition?a=c", chrome, chrome, "br", ""},
		{"/other", chrome, chrome, "br", "OTHER"},
		{"/nobody", chrome, chrome, "br", ""},
	} {
		r := request(t, http.MethodPost, proxy.url, form.target, strings.NewReader("email=a"), navigation)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Encoding", form.accept)
		if form.accept == "-" {
			r.Header.Del("Accept-Encoding")
		}
		answer := do(t, visitor, r)
		body, err := io.ReadAll(answer.Body)
		if packed := answer.Header.Get("Content-Encoding"); packed != form.packed || len(body) == 0 || err != nil {
			t.Errorf("%s: the client accepts %q and got %q, %d bytes, %v", form.target, form.accept, packed, len(body), err)
		}
		if got := <-asked; got != form.asked {
			t.Errorf("%s: the client accepts %q, the site was asked for %q, want %q", form.target, form.accept, got, form.asked)
		}
		if form.goal != "" {
			want = append(want, form.goal)
		}
	}
	code, account := proxy.stop()
	if got := stand.Types(); !slices.Equal(got, want) {
		t.Errorf("the CDP was told %v, want %v", got, want)
	}
	if code != exitOK || !strings.Contains(account, "answer_unreadable 4") {
		t.Errorf("exit code %d\n%s", code, account)
	}
}
