package queue

import (
	"bytes"
	"errors"
	"io"
)

// frameReader goes through the frames of a segment. It keeps readAhead bytes in memory,
// or one frame if that is larger.
type frameReader struct {
	f        io.ReaderAt
	salt     uint64
	off, end int64 // what is still to be read

	buf   []byte // from the file, beginning at start
	start int64

	prev    uint64 // the number of the last frame
	damaged int    // records that cannot be read, as far as their numbers tell
	skipped int64  // bytes between good frames
	junk    int64  // bytes after the last good frame that are not all zero
}

const readAhead = 256 << 10

func newFrameReader(f io.ReaderAt, h *header, off, end int64) *frameReader {
	return &frameReader{f: f, salt: h.salt, off: off, end: end, prev: h.first - 1}
}

// peek returns n bytes at off, or fewer where the file ends.
func (r *frameReader) peek(off int64, n int) ([]byte, error) {
	n = int(min(int64(n), r.end-off))
	if n <= 0 {
		return nil, nil
	}
	if at := off - r.start; at >= 0 && at+int64(n) <= int64(len(r.buf)) {
		return r.buf[at:][:n], nil
	}
	size := int(min(int64(max(n, readAhead)), r.end-off))
	if cap(r.buf) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	got, err := r.f.ReadAt(r.buf, off)
	r.buf, r.start = r.buf[:got], off
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return r.buf[:min(n, got)], nil
}

// frameAt reads the frame at off. It returns errNoFrame if no good frame begins there.
func (r *frameReader) frameAt(off int64) (record, error) {
	b, err := r.peek(off, frameHead)
	if err != nil {
		return record{}, err
	}
	need, err := frameNeeds(b)
	if err != nil || len(b) < frameHead {
		return record{}, errNoFrame
	}
	if b, err = r.peek(off, need); err != nil {
		return record{}, err
	}
	rec, err := parseFrame(b, r.salt)
	if err == nil && rec.number <= r.prev {
		err = errNoFrame
	}
	rec.off = off
	return rec, err
}

// next returns the next good frame and steps over what is damaged. It returns io.EOF if
// no other follows. The body is good until the next call.
func (r *frameReader) next() (record, error) {
	from := r.off
	for off := from; ; {
		rec, err := r.frameAt(off)
		switch {
		case err == nil:
			if off > from {
				r.skipped += off - from
				r.damaged += int(max(rec.number-r.prev-1, 1)) //nolint:gosec // Bounded by the capacity.
			}
			r.off, r.prev = off+int64(rec.size), rec.number
			return rec, nil
		case !errors.Is(err, errNoFrame):
			return record{}, err
		}
		if off, err = r.findMagic(off + 1); err != nil {
			if errors.Is(err, io.EOF) {
				r.junk, err = r.countJunk(from)
				err = cmpErr(err, io.EOF)
			}
			return record{}, err
		}
	}
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// findMagic returns where the next frame may begin, or io.EOF if none can.
func (r *frameReader) findMagic(off int64) (int64, error) {
	for off < r.end {
		b, err := r.peek(off, readAhead/4)
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(b, []byte(frameMagic)); i >= 0 {
			return off + int64(i), nil
		}
		if len(b) < len(frameMagic) {
			break
		}
		off += int64(len(b) - len(frameMagic) + 1)
	}
	return 0, io.EOF
}

// countJunk returns how many bytes there are from an offset up to the last byte that is
// not zero.
func (r *frameReader) countJunk(from int64) (junk int64, err error) {
	for off := from; off < r.end; {
		b, err := r.peek(off, readAhead/4)
		if err != nil || len(b) == 0 {
			return junk, err
		}
		if kept := bytes.TrimRight(b, "\x00"); len(kept) > 0 {
			junk = off + int64(len(kept)) - from
		}
		off += int64(len(b))
	}
	return junk, nil
}
