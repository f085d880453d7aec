package queue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"reflect"
	"testing"
	"time"
)

func letter(number uint64, body string) *Letter {
	return &Letter{
		Item:   Item{Body: []byte(body), Key: "visitor", Priority: Low, Time: time.Unix(5, 7), Resent: time.Unix(9, 0)},
		Reason: "expired", Died: time.Unix(11, 0), number: number,
	}
}

func TestFrame(t *testing.T) {
	for _, l := range []*Letter{
		letter(7, "body"),
		letter(1<<63, ""),
		{number: 1},
		{Item: Item{Body: bytes.Repeat([]byte("x"), maxItem), Priority: High}, number: 2},
	} {
		b := appendFrame(nil, 42, kindLetters, l)
		if len(b) != frameSize(&l.Item, l.Reason) {
			t.Errorf("%d bytes, want %d", len(b), frameSize(&l.Item, l.Reason))
		}
		got, err := parseFrame(b, 42)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Body) == 0 {
			got.Body = l.Body // nil or empty
		}
		if !reflect.DeepEqual(&got.Letter, l) || got.kind != kindLetters || got.size != len(b) {
			t.Errorf("%+v, want %+v", got, l)
		}
	}
}

// No frame with a changed bit, and none under another segment's salt, is good.
func TestAnyDamageToAFrameIsSeen(t *testing.T) {
	good := appendFrame(nil, 42, kindItems, letter(7, "body"))
	if _, err := parseFrame(good, 43); !errors.Is(err, errNoFrame) {
		t.Errorf("with another salt: %v", err)
	}
	for i := range len(good) * 8 {
		b := bytes.Clone(good)
		b[i/8] ^= 1 << (i % 8)
		if _, err := parseFrame(b, 42); !errors.Is(err, errNoFrame) {
			t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
		}
	}
	for n := range good {
		if _, err := parseFrame(good[:n], 42); !errors.Is(err, errNoFrame) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func TestHeader(t *testing.T) {
	h := newHeader(kindItems, 8<<20)
	h.id, h.first = 3, 4
	sealed := h
	sealed.sealed, sealed.count, sealed.end, sealed.bytes, sealed.last, sealed.newest = true, 9, 1<<20, 1<<40, 12, time.Unix(1, 2)
	for _, want := range []header{h, sealed} {
		b := want.encode()
		got, err := decodeHeader(b)
		if err != nil || !got.created.Equal(want.created) || want.sealed && !got.newest.Equal(want.newest) {
			t.Errorf("%+v, %v", got, err)
		}
		got.created, got.newest = want.created, want.newest
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 0x10
			if _, err := decodeHeader(bad); !errors.Is(err, errDamaged) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
	}
}

func TestAckMap(t *testing.T) {
	a := ackMap{salt: 5, blocks: make([]byte, 3*ackBlock)}
	for _, i := range []uint64{0, 479, 480, 1439} {
		block, off := a.set(i)
		if len(block) != ackBlock || off != 2*pageSize+int64(i/ackBits*ackBlock) {
			t.Errorf("record %d: %d bytes at %d", i, len(block), off)
		}
	}
	for i := range uint64(3 * ackBits) {
		if want := i == 0 || i == 479 || i == 480 || i == 1439; a.has(i) != want {
			t.Errorf("record %d: %v", i, !want)
		}
	}
	if n := a.check(); n != 0 {
		t.Errorf("%d blocks are damaged", n)
	}
	a.blocks[ackBlock+7] |= 2 // one bit of the second block: nothing in it is settled
	if n := a.check(); n != 1 || a.has(480) || !a.has(0) || !a.has(1439) {
		t.Errorf("%d blocks are damaged; %v %v %v", n, a.has(480), a.has(0), a.has(1439))
	}
}

// frames are the frames of records 1 to n, of which none has a body that looks
// like a frame but for its salt.
func frames(n int) (all []byte, ends []int) {
	for i := range n {
		inner := appendFrame(nil, 1, kindItems, letter(uint64(i+1), "inner")) // another file's
		all = appendFrame(all, 42, kindItems, letter(uint64(i+1), string(inner)))
		ends = append(ends, len(all))
	}
	return all, ends
}

func readAll(b []byte) (numbers []uint64, r *frameReader, err error) {
	r = newFrameReader(bytes.NewReader(b), &header{salt: 42, first: 1}, 0, int64(len(b)))
	for {
		rec, err := r.next()
		if err != nil {
			return numbers, r, err
		}
		numbers = append(numbers, rec.number)
	}
}

func TestReaderStepsOverDamage(t *testing.T) {
	for _, tc := range []struct {
		name          string
		harm          func(b []byte, ends []int) []byte
		want          []uint64
		damaged       int
		skipped, junk bool
	}{
		{"none", func(b []byte, _ []int) []byte { return b }, []uint64{1, 2, 3, 4, 5}, 0, false, false},
		{"zeros after it", func(b []byte, _ []int) []byte { return append(b, make([]byte, 1<<20)...) }, []uint64{1, 2, 3, 4, 5}, 0, false, false},
		{"a bit of the second", func(b []byte, e []int) []byte { b[e[0]+70] ^= 1; return b }, []uint64{1, 3, 4, 5}, 1, true, false},
		{"the length of the second", func(b []byte, e []int) []byte { b[e[0]+50] = 0xff; return b }, []uint64{1, 3, 4, 5}, 1, true, false},
		{"all of the second and third", func(b []byte, e []int) []byte { clear(b[e[0]:e[2]]); return b }, []uint64{1, 4, 5}, 2, true, false},
		{"the first", func(b []byte, _ []int) []byte { b[0] = 0; return b }, []uint64{2, 3, 4, 5}, 1, true, false},
		{"the end cut off", func(b []byte, e []int) []byte { return b[:e[4]-1] }, []uint64{1, 2, 3, 4}, 0, false, true},
		{"the end torn, zeros after it", func(b []byte, e []int) []byte {
			return append(b[:e[3]+20:e[3]+20], make([]byte, 1<<20)...)
		}, []uint64{1, 2, 3, 4}, 0, false, true},
		{"a copy of the second after the fifth", func(b []byte, e []int) []byte { return append(b, b[e[0]:e[1]]...) }, []uint64{1, 2, 3, 4, 5}, 0, false, true},
		{"nothing there", func([]byte, []int) []byte { return nil }, nil, 0, false, false},
	} {
		b, ends := frames(5)
		got, r, err := readAll(tc.harm(b, ends))
		if !errors.Is(err, io.EOF) || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, %v; want %v", tc.name, got, err, tc.want)
		}
		if r.damaged != tc.damaged || r.skipped > 0 != tc.skipped || r.junk > 0 != tc.junk {
			t.Errorf("%s: %d records damaged, %d bytes skipped, %d after the end", tc.name, r.damaged, r.skipped, r.junk)
		}
	}
}

// FuzzFrameReader: whatever is in a segment, the reader ends, and what it hands
// out are good frames in their order.
func FuzzFrameReader(f *testing.F) {
	all, ends := frames(3)
	f.Add(all)
	f.Add(all[ends[0]:])
	f.Add(append(bytes.Clone(all[:ends[1]-9]), all...))
	f.Add(append(bytes.Clone(all), make([]byte, 5000)...))
	f.Add([]byte(frameMagic + frameMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newFrameReader(bytes.NewReader(b), &header{salt: 42, first: 1}, 0, int64(len(b)))
		var prev uint64
		var total int64
		for {
			rec, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseFrame(b[rec.off:rec.off+int64(rec.size)], 42); err != nil || rec.number <= prev {
				t.Fatalf("record %d after %d at %d: %v", rec.number, prev, rec.off, err)
			}
			prev = rec.number
			total += int64(rec.size)
		}
		if total+r.skipped+r.junk > int64(len(b)) {
			t.Errorf("%d + %d + %d bytes of %d", total, r.skipped, r.junk, len(b))
		}
	})
}

// FuzzHeader: no header makes the reader look beyond the file.
func FuzzHeader(f *testing.F) {
	h := newHeader(kindItems, minSegment)
	f.Add(h.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHeader(b)
		if err != nil {
			return
		}
		if h.data() >= h.size || h.end > h.size || h.size > maxSegment || h.capacity/ackBits*ackBlock > int(h.data()) {
			t.Errorf("%+v is good", h)
		}
	})
}

func checksumOf(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli))
}
