package accesslog

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
)

// byteOrderMark is U+FEFF in UTF-8. It means nothing there, but editors of
// Windows write it, and it stays in the middle when files are joined.
var byteOrderMark = []byte("\xef\xbb\xbf")

// packers are the formats of compression that a log may be in, by the bytes that
// such a file begins with. The ones without open are those that people have to
// unpack themselves.
var packers = []struct {
	magic, name string
	open        func(io.Reader) (io.Reader, error)
	hint        string
}{
	// Rotated logs that were joined have several members (RFC 1952, section 2.2);
	// both readers read them as one.
	{magic: "\x1f\x8b", name: "gzip", open: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{magic: "BZh", name: "bzip2", open: func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{magic: "\x28\xb5\x2f\xfd", name: "zstd", open: openZstd},
	{magic: "\xfd7zXZ\x00", name: "xz", open: openXZ},
	{magic: "PK\x03\x04", name: "zip", hint: "unzip -p FILE"},
}

// maxWindow is how much a file of zstd or xz may ask to be remembered: what "zstd --ultra
// --long=27" writes, and twice that of "xz -9".
const maxWindow = 128 << 20

// openZstd reads in this goroutine alone, so that nothing has to be closed.
func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// maxPacked is how often a file may be compressed: once by who wrote it, and once more by
// what keeps it or brings it, as with Content-Encoding.
const maxPacked = 2

// decompress returns the text of a file that may be compressed, in UTF-8, and
// how the file is encoded.
func decompress(r io.Reader) (text io.Reader, encoding string, err error) {
	return unpack(r, maxPacked)
}

// unpack is decompress for a file that may be compressed so often.
func unpack(r io.Reader, often int) (text io.Reader, encoding string, err error) {
	in := bufio.NewReader(r)
	for _, p := range packers {
		// An error of Peek comes again from the next Read.
		if magic, _ := in.Peek(len(p.magic)); string(magic) != p.magic || often == 0 {
			continue
		}
		if p.open == nil {
			return nil, p.name, fmt.Errorf("it begins as %s does: unpack it first (%s | goaltrack ... -)", p.name, p.hint)
		}
		unpacked, err := p.open(in)
		if err != nil {
			return nil, p.name, fmt.Errorf("it begins as %s does: %w", p.name, err)
		}
		text, encoding, err = unpack(unpacked, often-1)
		return text, encoding + " in " + p.name, err
	}
	text, encoding = toUTF8(in)
	return text, encoding, nil
}

// toUTF8 decodes UTF-16, which PowerShell writes when output goes to a file. The
// first two bytes tell, or every second byte that is none of a text.
func toUTF8(in *bufio.Reader) (text io.Reader, encoding string) {
	start, _ := in.Peek(4)
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		order = unicode.BigEndian
	case len(start) == 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
	case len(start) == 4 && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		order = unicode.BigEndian
	case bytes.HasPrefix(start, byteOrderMark):
		return in, "UTF-8 with a byte order mark"
	default:
		return in, "UTF-8"
	}
	encoding = "UTF-16LE"
	if order == unicode.BigEndian {
		encoding = "UTF-16BE"
	}
	return unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(in), encoding
}
