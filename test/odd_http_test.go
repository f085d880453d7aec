package test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/world"
)

// oddHandler answers in an odd way, and tells what it has found. The text is compared,
// too.
type oddHandler func(w http.ResponseWriter, r *http.Request, tell func(...any))

func readAll(r *http.Request, tell func(...any)) {
	b, err := io.ReadAll(r.Body)
	tell("read", string(b), err, r.Trailer, r.ContentLength, r.TransferEncoding, r.Close)
}

var oddHandlers = map[string]oddHandler{
	"reads and answers": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		readAll(r, tell)
		tell(io.WriteString(w, "<p>tea"))
	},
	"does nothing":  func(http.ResponseWriter, *http.Request, func(...any)) {},
	"does not read": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) { tell(io.WriteString(w, "<p>tea")) },
	"parses a form": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		tell(r.ParseForm(), r.Form, r.PostForm)
		tell(r.ParseMultipartForm(100))
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	},
	"answers, then reads": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		tell(io.WriteString(w, "<p>tea"))
		tell(http.NewResponseController(w).Flush())
		readAll(r, tell)
		tell(io.WriteString(w, " and cake"))
	},
	"full duplex": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		tell(http.NewResponseController(w).EnableFullDuplex())
		tell(io.WriteString(w, "<p>tea"))
		tell(http.NewResponseController(w).Flush())
		readAll(r, tell)
		tell(io.WriteString(w, " and cake"))
	},
	"reads a part": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		b := make([]byte, 2)
		n, err := io.ReadFull(r.Body, b)
		tell(n, err, string(b))
		w.WriteHeader(http.StatusForbidden)
	},
	"closes the body": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		tell(r.Body.Close())
		readAll(r, tell)
		w.WriteHeader(http.StatusNoContent)
	},
	"hints": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusEarlyHints)
		tell(w.Write(nil))
	},
	"100 by hand": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.WriteHeader(http.StatusContinue)
		readAll(r, tell)
	},
	"204 with a body": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.WriteHeader(http.StatusNoContent)
		tell(io.WriteString(w, "tea"))
		tell(io.Copy(w, strings.NewReader("tea")))
	},
	"304 with a body and a length": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Content-Length", "3")
		w.WriteHeader(http.StatusNotModified)
		tell(w.Write([]byte("tea")))
	},
	"101": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Upgrade", "tea")
		w.WriteHeader(http.StatusSwitchingProtocols)
		tell(io.WriteString(w, "tea"))
	},
	"less than its length": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Content-Length", "9")
		tell(io.WriteString(w, "tea"))
	},
	"more than its length": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Content-Length", "3")
		tell(io.WriteString(w, "te"))
		tell(io.WriteString(w, "a and cake"))
		tell(io.WriteString(w, "a"))
	},
	"a length that is none": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Content-Length", "three")
		tell(io.WriteString(w, "tea"))
	},
	"trailers": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Trailer", "X-A, X-B")
		w.Header().Set("X-A", "before")
		tell(io.WriteString(w, strings.Repeat("tea ", 1000)))
		w.Header().Set("X-A", "1")
		w.Header().Set("X-C", "not announced")
		w.Header().Set(http.TrailerPrefix+"X-D", "4")
	},
	"headers too late": func(w http.ResponseWriter, _ *http.Request, _ func(...any)) {
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Late", "1")
		w.WriteHeader(http.StatusTeapot)
	},
	"no type, written in parts": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		for _, part := range []string{"", " ", "<!doc", "type html>", strings.Repeat("x", 600)} {
			tell(w.Write([]byte(part)))
		}
	},
	"no type wanted": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header()["Content-Type"] = nil
		w.Header()["Date"] = nil
		tell(io.WriteString(w, "<html>"))
	},
	"its own framing": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Transfer-Encoding", "chunked")
		tell(io.WriteString(w, "<html>"))
	},
	"identity": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Transfer-Encoding", "identity")
		tell(io.WriteString(w, "<html>"))
	},
	"closes": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		w.Header().Set("Connection", "close")
		tell(io.WriteString(w, "<html>"))
	},
	"a file": func(w http.ResponseWriter, r *http.Request, _ func(...any)) {
		http.ServeContent(w, r, "a.pdf", time.Unix(1_700_000_000, 0), strings.NewReader("%PDF"+strings.Repeat("tea ", 700)))
	},
	"copies": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		tell(io.Copy(w, strings.NewReader("")))
		tell(io.Copy(w, io.LimitReader(strings.NewReader(`{"ok":true} and more`), 11)))
		tell(io.Copy(w, &failing{strings.NewReader("half")}))
	},
	"copies what fails at once": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		tell(io.Copy(w, &failing{strings.NewReader("")}))
		http.Error(w, "no tea", http.StatusBadGateway)
	},
	"JSON": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		readAll(r, tell)
		w.Header().Set("Content-Type", "application/json")
		tell(io.Copy(w, strings.NewReader(`{"ok":true,"more":"`+strings.Repeat("x", 20_000)+`"}`)))
	},
	"panics": func(http.ResponseWriter, *http.Request, func(...any)) { panic("tea") },
	"panics, in part": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		tell(io.WriteString(w, "half"))
		panic("tea")
	},
	"aborts, flushed": func(w http.ResponseWriter, _ *http.Request, tell func(...any)) {
		tell(io.WriteString(w, "half"))
		tell(http.NewResponseController(w).Flush())
		panic(http.ErrAbortHandler)
	},
	"takes the connection": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if tell(err != nil); err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 299 Tea\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		tell(io.WriteString(w, "late"))
		tell(buffered.Reader.Buffered() > 0)
		_ = r
	},
	"a deadline": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		tell(http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second)))
		readAll(r, tell)
	},
	"waits for its client": func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		_, err := io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			tell("left", err)
		case <-time.After(time.Second):
			tell("still there", err)
		}
		tell(io.WriteString(w, "<p>"))
	},
}

// failing is a source that fails when it has been read.
type failing struct{ io.Reader }

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("disk gone")
	}
	return n, err
}

// oddHead is what a browser's request has, and a known visitor's.
const oddHead = "Host: shop.example\r\nUser-Agent: " + world.Chrome + "\r\nAccept: text/html\r\n" +
	"Cookie: bid_key=11111111-2222-4333-8444-555555555555\r\n"

// oddRequests are all that a client sends. Behind each but the last ones there is another request,
// which shows whether the connection goes on.
var oddRequests = map[string]string{
	"GET":                   "GET /a?b=c HTTP/1.1\r\n" + oddHead + "\r\n",
	"HEAD":                  "HEAD /a HTTP/1.1\r\n" + oddHead + "\r\n",
	"OPTIONS *":             "OPTIONS * HTTP/1.1\r\n" + oddHead + "\r\n",
	"GET with a body":       "GET /a HTTP/1.1\r\n" + oddHead + "Content-Length: 3\r\n\r\na=1",
	"GET, HTTP/1.0":         "GET /a HTTP/1.0\r\n" + oddHead + "\r\n",
	"GET, HTTP/1.0, kept":   "GET /a HTTP/1.0\r\n" + oddHead + "Connection: keep-alive\r\n\r\n",
	"a range":               "GET /a HTTP/1.1\r\n" + oddHead + "Range: bytes=0-99\r\n\r\n",
	"ranges":                "GET /a HTTP/1.1\r\n" + oddHead + "Range: bytes=0-9,20-29\r\n\r\n",
	"a range beyond":        "GET /a HTTP/1.1\r\n" + oddHead + "Range: bytes=99999-\r\n\r\n",
	"if modified":           "GET /a HTTP/1.1\r\n" + oddHead + "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n",
	"a form":                "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nx=y&a=1",
	"JSON":                  "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"x\":\"y\"}",
	"parts":                 "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 71\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny and more\r\n--b--\r\n",
	"parts, malformed":      "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 20\r\n\r\n--b\r\nContent-Disposi",
	"a form, expecting":     "POST /a HTTP/1.1\r\n" + oddHead + "Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nx=y",
	"expecting tea":         "POST /a HTTP/1.1\r\n" + oddHead + "Expect: tea\r\nContent-Length: 3\r\n\r\nx=y",
	"a form, chunked":       "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\"a;b\"\r\nx=y\r\n4;q\r\n&a=1\r\n0\r\n\r\n",
	"trailers":              "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx=y\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
	"trailers, unannounced": "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx=y\r\n0\r\nX-Sum: 1\r\n\r\n",
	"a bad trailer":         "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx=y\r\n0\r\n: 1\r\n\r\n",
	"a bad chunk":           "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx=yy\r\n0\r\n\r\n",
	"chunked and a length":  "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"a large body":          "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("x=y&", 75_000),
	"an empty chunked body": "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"length 0":              "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
	"compressed":            "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nx=y",
	"an upgrade":            "GET /a HTTP/1.1\r\n" + oddHead + "Connection: Upgrade\r\nUpgrade: tea\r\n\r\n",
	"closing":               "GET /a HTTP/1.1\r\n" + oddHead + "Connection: close\r\n\r\n",
	"cut in the body":       "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 30\r\n\r\nx=y",
	"cut in a chunk":        "POST /a HTTP/1.1\r\n" + oddHead + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx=y",
}
