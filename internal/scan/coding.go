package scan

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// coding is a kind of compression that can be undone (RFC 9110, section 8.4.1).
type coding uint8

const (
	codingIdentity coding = iota // as it is
	codingGzip
	codingDeflate
)

// codingOf returns the coding of that name. x-gzip means gzip (RFC 9110,
// section 8.4.1.3).
func codingOf(name string) (c coding, ok bool) {
	switch {
	case strings.EqualFold(name, "identity"):
		return codingIdentity, true
	case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
		return codingGzip, true
	case strings.EqualFold(name, "deflate"):
		return codingDeflate, true
	}
	return 0, false
}

// maxCodings bounds how often an answer may be compressed. Once is usual.
const maxCodings = 4

// codingsOf reads Content-Encoding. unknown is the first coding that cannot be
// read, "" if there is none.
func codingsOf(header []string) (list []coding, unknown string) {
	for _, line := range header {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			c, ok := codingOf(name)
			if !ok || len(list) == maxCodings {
				return nil, name
			}
			if c != codingIdentity {
				list = append(list, c)
			}
		}
	}
	return list, ""
}

// unpack undoes the coding. It gives up beyond AnswerLimit, so that a small
// answer cannot grow without end. It also gives up if the data is broken, cut
// off or followed by something else. why says so.
func (c coding) unpack(b []byte) (text []byte, why string) {
	if c == codingGzip {
		return unpackWith(b, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	}
	// By RFC 9110, section 8.4.1.2, deflate means zlib; some servers send it
	// without the zlib wrapper.
	text, why = unpackWith(b, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) })
	if why == broken {
		text, why = unpackWith(b, func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil })
	}
	return text, why
}

const broken = "the answer is compressed, and cut off or broken"

func unpackWith(b []byte, open func(io.Reader) (io.Reader, error)) ([]byte, string) {
	packed := bytes.NewReader(b)
	r, err := open(packed)
	if err != nil {
		return nil, broken
	}
	text, err := io.ReadAll(io.LimitReader(r, AnswerLimit+1))
	switch {
	case len(text) > AnswerLimit:
		return nil, tooLong
	case err != nil || packed.Len() > 0:
		return nil, broken
	}
	return text, ""
}

// IsEncoded reports whether the body has a Content-Encoding, such as
// compression, in any line of that header.
func IsEncoded(h http.Header) bool {
	list, unknown := codingsOf(h["Content-Encoding"])
	return len(list) > 0 || unknown != ""
}
