package accesslog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// openXZ reads a file of xz. Each block of one says how much of the text has to be
// remembered to unpack it, up to 4 GiB, and the library takes that much memory at once.
// So a few bytes could take all of it; xz itself has --memlimit-decompress against that.
func openXZ(r io.Reader) (io.Reader, error) { return xz.NewReader(&xzBound{r: r, most: maxWindow}) }

// xzBound hands on what it reads of a file of xz, up to a block that needs more memory
// than the most. It follows the file by https://tukaani.org/xz/xz-file-format.txt: streams of
// a header, blocks, an index and a footer, perhaps with zeros between them. A block has
// a header, and chunks of LZMA2 that say how long they are.
type xzBound struct {
	r     io.Reader
	most  int64
	err   error
	part  xzPart
	need  int    // bytes of the part that are still to come
	held  []byte // of the part, if it is to be read
	at    int    // of the stream, modulo 4
	check int    // bytes of the sum behind each block
	count uint64 // numbers of the index that are still to come
	shift uint   // of a number of the index
}

// xzPart is what a byte belongs to.
type xzPart int

const (
	xzStart  xzPart = iota // the header of a stream, or zeros before it
	xzSize                 // the length of a block's header, or the begin of the index
	xzHeader               // the rest of a block's header
	xzControl
	xzChunkSizes
	xzChunk
	xzPadding // up to a multiple of four, behind the chunks
	xzSum
	xzIndexCount
	xzIndexNumbers
	xzIndexPadding // and the sum of the index, and the footer
	xzFooter
)

var errXZ = errors.New("it is no file of xz from here on")

func (b *xzBound) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err = b.r.Read(p)
	for i := 0; i < n; {
		taken, fault := b.take(p[i:n])
		if fault != nil {
			b.err = fault
			return 0, fault
		}
		b.at = (b.at + taken) % 4
		i += taken
	}
	return n, err
}

// take reads some of the bytes, and says how many.
func (b *xzBound) take(p []byte) (taken int, err error) {
	switch b.part {
	case xzStart, xzHeader, xzChunkSizes:
		if b.part == xzStart && len(b.held) == 0 && p[0] == 0 {
			return 1, nil // between two streams
		}
		if b.part == xzStart && len(b.held) == 0 {
			b.need = xz.HeaderLen
		}
		taken = min(b.need, len(p))
		b.held = append(b.held, p[:taken]...)
		if b.need -= taken; b.need == 0 {
			err = b.read()
			b.held = b.held[:0]
		}
		return taken, err
	case xzChunk, xzSum, xzFooter:
		taken = min(b.need, len(p))
		if b.need -= taken; b.need == 0 {
			b.next()
		}
		return taken, nil
	}
	return 1, b.step(p[0])
}

// step reads a byte that stands alone.
func (b *xzBound) step(c byte) error {
	switch b.part {
	case xzSize:
		if b.part, b.need = xzHeader, (int(c)+1)*4-1; c == 0 {
			b.part, b.count, b.shift = xzIndexCount, 0, 0
		}
	case xzControl:
		return b.control(c)
	case xzPadding:
		if b.at == 3 {
			b.part, b.need = xzSum, b.check
			b.skipEmpty()
		}
	case xzIndexCount:
		if b.shift > 56 {
			return errXZ
		}
		b.count |= uint64(c&0x7f) << b.shift
		if b.shift += 7; c < 0x80 {
			b.count *= 2 // two numbers a block
			b.part = xzIndexNumbers
			b.index()
		}
	case xzIndexNumbers:
		if c < 0x80 {
			b.count--
			b.index()
		}
	case xzIndexPadding:
		if b.at == 3 {
			b.part, b.need = xzFooter, xzTail
		}
	}
	return nil
}

// xzTail is the sum of an index and the footer.
const xzTail = 4 + 12

// index goes on behind the last number of the index.
func (b *xzBound) index() {
	switch {
	case b.count > 0:
	case b.at == 3: // of the byte that was read
		b.part, b.need = xzFooter, xzTail
	default:
		b.part = xzIndexPadding
	}
}

// control reads the byte that begins a chunk.
func (b *xzBound) control(c byte) error {
	switch {
	case c == 0 && b.at == 3:
		b.part, b.need = xzSum, b.check
		b.skipEmpty()
	case c == 0:
		b.part = xzPadding
	case c < 3:
		b.part, b.need = xzChunkSizes, 2
	case c < 0x80:
		return errXZ
	case c < 0xc0:
		b.part, b.need = xzChunkSizes, 4
	default:
		b.part, b.need = xzChunkSizes, 5 // and properties
	}
	return nil
}

// skipEmpty goes on if there is no sum.
func (b *xzBound) skipEmpty() {
	if b.need == 0 {
		b.next()
	}
}

// next goes on behind a part whose bytes are not read.
func (b *xzBound) next() {
	switch b.part {
	case xzChunk:
		b.part = xzControl
	case xzSum:
		b.part = xzSize
	case xzFooter:
		b.part = xzStart
	}
}

// xzSums are the lengths of the sums, by the number in the header of a stream.
var xzSums = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

// read reads a part that is whole.
func (b *xzBound) read() error {
	switch b.part {
	case xzStart:
		if !xz.ValidHeader(b.held) {
			return errXZ
		}
		b.check = xzSums[b.held[7]&15]
		b.part = xzSize
	case xzHeader:
		b.part = xzControl
		return b.dictionary()
	case xzChunkSizes:
		size := b.held[:2]
		if len(b.held) > 2 {
			size = b.held[2:4]
		}
		b.part, b.need = xzChunk, int(binary.BigEndian.Uint16(size))+1
	}
	return nil
}

// dictionary looks at the header of a block: flags, sizes, and the filters, of which
// LZMA2 says how much has to be remembered.
func (b *xzBound) dictionary() error {
	rest := b.held[1:]
	number := func() uint64 {
		n, size := binary.Uvarint(rest)
		rest = rest[max(size, 0):]
		return n
	}
	flags := b.held[0]
	for _, present := range [...]byte{0x40, 0x80} {
		if flags&present != 0 {
			number()
		}
	}
	for range flags&3 + 1 {
		id, size := number(), number()
		if size > uint64(len(rest)) {
			return errXZ
		}
		if id == 0x21 && size == 1 {
			if need, err := lzma.DecodeDictCap(rest[0]); err != nil || need > b.most {
				return fmt.Errorf("it needs %d MiB of memory to be unpacked, and at most %d are taken: unpack it first (xz -dc FILE | goaltrack ... -)",
					need>>20, b.most>>20)
			}
		}
		rest = rest[size:]
	}
	return nil
}
