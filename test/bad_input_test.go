package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const badInputRules = `
version: 1
cookies: [theme]
goals:
  - { goal: ASKED, submit: /form, if: { form.topic: sales } }
  - { goal: SENT, submit: /form, data: { topic: $form.topic } }
  - { goal: TOLD, submit: /form, if: { json.topic: sales } }
  - { goal: SEEN, visit: /page, data: { lang: $header.Accept-Language, q: $query.q, theme: $cookie.theme } }
`

// badSite reads all of a body, says how much that was and what is wrong with it, and
// accepts it if nothing is.
func badSite(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/html")
	}
	if w.Header().Set("Cache-Control", "no-store"); err != nil {
		w.WriteHeader(http.StatusBadRequest)
	} else if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = fmt.Fprint(w, n, " bytes, ", err)
}

// sayRaw sends what it is given to a server and, if that is cut off, closes its end for
// writing. It reads the answer without what may differ: the time, and our cookies.
func sayRaw(t *testing.T, server *httptest.Server, text string, cut bool) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		_, _ = io.WriteString(conn, text) // a server may refuse the rest
		if cut {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "no answer: " + err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	res.Header.Del("Date")
	res.Header.Del("Set-Cookie")
	var header bytes.Buffer
	_ = res.Header.Write(&header)
	return fmt.Sprintf("%s\n%s%s %v", res.Status, header.String(), body, err)
}

// TestBadInput: whatever a visitor sends, they get the answer that they would get without
// goaltrack, what goaltrack keeps of it is bounded, and what does not count has a name.
func TestBadInput(t *testing.T) {
	const (
		urlEncoded = "application/x-www-form-urlencoded"
		multi      = "multipart/form-data; boundary=x"
		kib64      = 64 << 10
	)
	x := strings.Repeat
	topic := "--x\r\nContent-Disposition: form-data; name=topic\r\n\r\nsales\r\n"
	part := "--x\r\nContent-Disposition: form-data; name=p\r\n\r\n1\r\n"
	post := func(contentType, body string, header ...string) string {
		return "POST /form HTTP/1.1\r\nContent-Type: " + contentType + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n" + strings.Join(header, "") + "@\r\n" + body
	}
	chunked := func(body string, end string) string {
		return "POST /form HTTP/1.1\r\nContent-Type: " + urlEncoded + "\r\nTransfer-Encoding: chunked\r\n@\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(body), body) + end
	}
	get := func(header ...string) string {
		return "GET /page?q=a HTTP/1.1\r\n" + strings.Join(header, "") + "@\r\n"
	}
	short := func(request string) string { return request[:len(request)-20] }
	for name, c := range map[string]struct {
		request string
		want    string // of ASKED, SENT, TOLD and SEEN
	}{
		"a good form":                      {post(urlEncoded, "topic=sales"), "fired 1, fired 1, condition 1, none"},
		"a gzip bomb":                      {post(urlEncoded, zipped("topic=sales&x="+x("x", 32<<20)), "Content-Encoding: gzip\r\n"), "form_encoded 1, fired 1, condition 1, none"},
		"a gzip bomb in parts":             {post(multi, zipped(x(part, 100_000)), "Content-Encoding: gzip\r\n"), "form_encoded 1, fired 1, condition 1, none"},
		"a stream that is cut off":         {short(post(urlEncoded, "topic=sales&x="+x("x", 5000))), "not_successful 1, not_successful 1, not_successful 1, none"},
		"parts that are cut off":           {short(post(multi, topic+x(part, 100)+"--x--\r\n")), "not_successful 1, not_successful 1, not_successful 1, none"},
		"chunks that are cut off":          {chunked("topic=sales&x=1", ""), "not_successful 1, not_successful 1, not_successful 1, none"},
		"chunks that are none":             {chunked("topic=sales", "zz\r\n"), "not_successful 1, not_successful 1, not_successful 1, none"},
		"chunks":                           {chunked("topic=sales", "0\r\n\r\n"), "fired 1, fired 1, condition 1, none"},
		"10,000 parts, and then the field": {post(multi, x(part, 10_000)+topic+"--x--\r\n"), "form_too_large 1, fired 1, condition 1, none"},
		"the field, and then 10,000 parts": {post(multi, topic+x(part, 10_000)+"--x--\r\n"), "fired 1, fired 1, condition 1, none"},
		"a boundary that never comes":      {post("multipart/form-data; boundary=never", x(part, 100_000)), "form_not_a_form 1, fired 1, condition 1, none"},
		"a boundary of 64 KiB":             {post("multipart/form-data; boundary="+x("x", kib64), topic+"--x--\r\n"), "form_not_a_form 1, fired 1, condition 1, none"},
		"no boundary":                      {post("multipart/form-data", topic+"--x--\r\n"), "form_not_a_form 1, fired 1, condition 1, none"},
		"a part's header of 64 KiB":        {post(multi, "--x\r\nX: "+x("x", kib64)+"\r\n\r\n1\r\n"+topic+"--x--\r\n"), "fired 1, fired 1, condition 1, none"},
		"the field's header of 64 KiB":     {post(multi, "--x\r\nX: "+x("x", kib64)+topic[3:]+"--x--\r\n"), "form_too_large 1, fired 1, condition 1, none"},
		"a part without an end":            {post(multi, topic+"--x\r\nContent-Disposition: form-data; name=p\r\n\r\n"+x("\r\n--y", 1<<20)), "fired 1, fired 1, condition 1, none"},
		"100,000 fields":                   {post(urlEncoded, x("a=1&", 100_000)+"topic=sales"), "fired 1, fired 1, condition 1, none"},
		"the field 100,000 times":          {post(urlEncoded, x("topic=sales&", 100_000)), "value_too_long 1, value_too_long 1, condition 1, none"},
		"a name of 64 KiB":                 {post(urlEncoded, x("n", kib64)+"=1&topic=sales"), "fired 1, fired 1, condition 1, none"},
		"a value of 1 MiB":                 {post(urlEncoded, "topic="+x("s", 1<<20)), "value_too_long 1, value_too_long 1, condition 1, none"},
		"a charset of 64 KiB":              {post(urlEncoded, "_charset_="+x("s", kib64)+"&topic=sales"), "fired 1, fired 1, condition 1, none"},
		"escapes that are none":            {post(urlEncoded, x("%", kib64)+"&topic=sal%es"), "form_not_a_form 1, fired 1, condition 1, none"},
		"JSON, a thousand deep":            {post("application/json", x("[", 30_000)+x("]", 30_000)), "form_not_a_form 1, form_not_a_form 1, condition 1, none"},
		"JSON that is cut off":             {post("application/json", `{"topic": "sal`), "form_not_a_form 1, form_not_a_form 1, condition 1, none"},
		"JSON of 1 MiB":                    {post("application/json", `{"topic": "sales", "x": "`+x("x", 1<<20)+`"}`), "form_not_a_form 1, form_not_a_form 1, form_too_large 1, none"},
		"a type of 64 KiB":                 {post(urlEncoded+"; "+x("a=b;", kib64/4), "topic=sales"), "fired 1, fired 1, condition 1, none"},
		"a user agent of 64 KiB":           {get("User-Agent: Mozilla/5.0 (Windows NT 10.0) " + x("x", kib64) + "\r\n"), "none, none, none, fired 1"},
		"a language of 64 KiB":             {get("Accept-Language: " + x("de,", kib64/3) + "\r\n"), "none, none, none, value_too_long 1"},
		"cookies of 64 KiB":                {get("Cookie: " + x("a=b; ", kib64/5) + "theme=dark\r\n"), "none, none, none, fired 1"},
		"a cookie of 64 KiB":               {get("Cookie: theme=" + x("d", kib64) + "\r\n"), "none, none, none, value_too_long 1"},
		"a Referer of 64 KiB":              {get("Referer: http://shop.example/" + x("p/", kib64/2) + "\r\n"), "none, none, none, fired 1"},
		"a thousand headers":               {get(x("X-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nSec-Purpose: none\r\n", 700)), "none, none, none, fired 1"},
		"a query of 64 KiB":                {strings.Replace(get(), "?q=a", "?q="+x("%61", kib64/3), 1), "none, none, none, value_too_long 1"},
		"a path of 64 KiB":                 {strings.Replace(get(), "/page?q=a", "/"+x("p%2F", kib64/4), 1), "none, none, none, none"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.Setup{
				Rules: badInputRules, Site: http.HandlerFunc(badSite),
				Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Cookie.Create = goaltrack.CreateNever },
			}.Start(t)
			w.CDP.Know(world.Known)
			header := "Host: shop.example\r\nConnection: close\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n" +
				"Cookie: bid_" + cdptest.TestClientKey + "=" + world.Known + "\r\n"
			if !strings.Contains(c.request, "User-Agent:") {
				header += "User-Agent: " + world.Chrome + "\r\n"
			}
			request := strings.Replace(c.request, "@", header, 1)
			plain := httptest.NewServer(http.HandlerFunc(badSite))
			defer plain.Close()
			want := sayRaw(t, plain, request, strings.Contains(name, "cut off"))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if got := sayRaw(t, w.Site, request, strings.Contains(name, "cut off")); got != want {
				t.Errorf("with goaltrack:\n%s\nwithout:\n%s", got, want)
			}
			w.Done()
			var got []string
			for _, goal := range []string{"ASKED", "SENT", "TOLD", "SEEN"} {
				got = append(got, w.Fates(goal))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
			// What was allocated for it, by the server, the test and goaltrack together.
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20+4*uint64(len(request)) {
				t.Errorf("%d MiB were allocated for %d KiB", used>>20, len(request)>>10)
			}
		})
	}
}
