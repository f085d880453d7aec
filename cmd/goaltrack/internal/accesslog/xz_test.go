package accesslog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ulikunitz/xz"
)

// packXZ packs a text, in blocks of a size.
func packXZ(t testing.TB, text []byte, c xz.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	c.DictCap = 1 << 16
	w, err := c.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// askFor changes how much the block whose header is at an offset asks to be remembered, by
// section 5.3.1 of the format, and corrects the sum of the header.
func askFor(packed []byte, at int, code byte) []byte {
	packed = bytes.Clone(packed)
	header := packed[at : at+(int(packed[at])+1)*4]
	filter := bytes.Index(header, []byte{0x21, 1})
	header[filter+2] = code
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	return packed
}

// TestXZBound reads files of all shapes, and none that asks for more than it may.
func TestXZBound(t *testing.T) {
	text := []byte(strings.Repeat("192.0.2.1 - - [-] \"GET / HTTP/1.1\" 200 1\n", 300))
	noise := make([]byte, 100_000) // is not compressed
	source := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(source.Uint32())
	}
	plain := packXZ(t, text, xz.WriterConfig{})
	blocks := packXZ(t, text, xz.WriterConfig{BlockSize: 1000, CheckSum: xz.SHA256})
	first := bytes.Index(blocks, []byte{0x21, 1})
	second := first + bytes.Index(blocks[first+2:], []byte{0x21, 1}) // two bytes are before the filter
	for _, test := range []struct {
		name   string
		packed []byte
		want   []byte
		fault  string
	}{
		{"one block", plain, text, ""},
		{"many blocks", blocks, text, ""},
		{"no sum", packXZ(t, text, xz.WriterConfig{NoCheckSum: true, BlockSize: 777}), text, ""},
		{"CRC32", packXZ(t, text, xz.WriterConfig{CheckSum: xz.CRC32}), text, ""},
		{"noise", packXZ(t, noise, xz.WriterConfig{BlockSize: 33_333}), noise, ""},
		{"nothing", packXZ(t, nil, xz.WriterConfig{}), nil, ""},
		{"streams", bytes.Join([][]byte{plain, blocks, make([]byte, 8), plain}, nil), bytes.Repeat(text, 3), ""},
		{"128 MiB", askFor(plain, 12, 30), text, ""},
		{"192 MiB", askFor(plain, 12, 31), nil, "needs 192 MiB of memory"},
		{"4 GiB", askFor(plain, 12, 40), nil, "needs 4095 MiB of memory"},
		{"the second block", askFor(blocks, second, 40), text[:1000], "needs 4095 MiB of memory"},
		{"the second stream", bytes.Join([][]byte{blocks, askFor(plain, 12, 40)}, nil), text, "needs 4095 MiB of memory"},
		{"something else behind it", append(bytes.Clone(plain), "abcdefghijklmnop"...), text, errXZ.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(test.packed), iotest.OneByteReader(bytes.NewReader(test.packed))} {
				var got []byte
				unpacked, err := openXZ(r)
				if err == nil {
					got, err = io.ReadAll(unpacked)
				}
				if !bytes.Equal(got, test.want) || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
}

// FuzzXZ reads what was packed, and what was changed afterwards: the one as it was, and of
// the other at least that it comes to an end.
func FuzzXZ(f *testing.F) {
	f.Add([]byte("a"), uint16(0), byte(0), uint16(0), byte(1))
	f.Add(bytes.Repeat([]byte("abc"), 500), uint16(100), byte(1), uint16(20), byte(7))
	f.Fuzz(func(t *testing.T, text []byte, size uint16, sum byte, at uint16, changed byte) {
		c := xz.WriterConfig{CheckSum: []byte{xz.CRC32, xz.CRC64, xz.SHA256}[sum%3], NoCheckSum: sum > 200}
		if len(text) < 50*int(size) {
			c.BlockSize = int64(size)
		}
		packed := packXZ(t, text, c)
		unpacked, err := openXZ(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(unpacked); !bytes.Equal(got, text) || err != nil {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
		packed[int(at)%len(packed)] ^= changed
		if unpacked, err = xz.NewReader(&xzBound{r: bytes.NewReader(packed), most: 1 << 20}); err == nil {
			_, _ = io.Copy(io.Discard, unpacked)
		}
	})
}
