package queue

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// A spool's files are described in docs/spool.md. Numbers are little-endian.

// record is an item as a segment keeps it.
type record struct {
	Letter // an item's has neither Reason nor Died
	kind   uint8
	off    int64 // of its frame, when it was read
	size   int   // of its frame
}

// The kinds of segments and of the records in them.
const (
	kindItems   = 1
	kindLetters = 2
)

const (
	frameMagic   = "\xf7GTf"
	frameVersion = 1
	frameHead    = 56

	hasTime, hasResent, hasDied, isCopy, isPrivate, isErased = 1, 2, 4, 8, 16, 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// saltedSum begins every checksum with the segment's salt. Without it, bytes that a
// visitor sends, or that an older file left on the disk, could be taken for a frame.
func saltedSum(salt uint64) uint32 {
	return crc32.Checksum(binary.LittleEndian.AppendUint64(make([]byte, 0, 8), salt), castagnoli)
}

func frameSize(i *Item, reason string) int {
	return frameHead + len(i.Key) + len(reason) + len(i.Body)
}

// appendFrame appends the record's frame to b.
func appendFrame(b []byte, salt uint64, kind uint8, l *Letter) []byte {
	start := len(b)
	var flags uint8
	stamp := func(t time.Time, flag uint8) uint64 {
		if t.IsZero() {
			return 0
		}
		flags |= flag
		return uint64(t.UnixNano())
	}
	born, resent, died := stamp(l.Time, hasTime), stamp(l.Resent, hasResent), stamp(l.Died, hasDied)
	if l.copyOf != 0 { // an item has no time of death
		died, flags = l.copyOf, flags|isCopy
	}
	if l.Private {
		flags |= isPrivate
	}
	if l.erased {
		flags |= isErased
	}
	b = append(b, frameMagic...)
	b = append(b, frameVersion, kind, uint8(l.Priority), flags) //nolint:gosec // Back again in parseFrame.
	b = binary.LittleEndian.AppendUint64(b, l.number)
	b = binary.LittleEndian.AppendUint64(b, born)
	b = binary.LittleEndian.AppendUint64(b, resent)
	b = binary.LittleEndian.AppendUint64(b, died)
	for _, n := range [...]int{len(l.Key), len(l.Reason), len(l.Body)} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n)) //nolint:gosec // An item is at most maxFrame.
	}
	b = append(b, 0, 0, 0, 0)
	b = append(b, l.Key...)
	b = append(b, l.Reason...)
	b = append(b, l.Body...)
	binary.LittleEndian.PutUint32(b[start+52:], frameSum(b[start:], salt))
	return b
}

func frameSum(frame []byte, salt uint64) uint32 {
	sum := crc32.Update(saltedSum(salt), castagnoli, frame[:52])
	return crc32.Update(sum, castagnoli, frame[frameHead:])
}

// errNoFrame says that the bytes are not the beginning of a good frame.
var errNoFrame = errors.New("queue: no frame")

// frameNeeds returns how long the frame must be that begins with b. If that is longer
// than b, call it again with so many bytes: it may then need more.
func frameNeeds(b []byte) (int, error) {
	if n := min(len(b), len(frameMagic)); string(b[:n]) != frameMagic[:n] {
		return 0, errNoFrame
	}
	if len(b) < frameHead {
		return frameHead, nil
	}
	need := int64(frameHead)
	for off := 40; off < 52; off += 4 {
		need += int64(binary.LittleEndian.Uint32(b[off:]))
	}
	if b[4] != frameVersion || need > maxFrame {
		return 0, errNoFrame
	}
	return int(need), nil
}

// parseFrame reads the frame in b, which has exactly its size. The record's body is a
// part of b.
func parseFrame(b []byte, salt uint64) (r record, err error) {
	if need, err := frameNeeds(b); err != nil || need != len(b) || binary.LittleEndian.Uint32(b[52:]) != frameSum(b, salt) {
		return record{}, errNoFrame
	}
	flags := b[7]
	stamp := func(off int, flag uint8) time.Time {
		if flags&flag == 0 {
			return time.Time{}
		}
		return time.Unix(0, int64(binary.LittleEndian.Uint64(b[off:]))) //nolint:gosec // As written by appendFrame.
	}
	key := frameHead + int(binary.LittleEndian.Uint32(b[40:]))
	reason := key + int(binary.LittleEndian.Uint32(b[44:]))
	r.kind, r.size = b[5], len(b)
	r.number = binary.LittleEndian.Uint64(b[8:])
	r.Priority = Priority(b[6]) //nolint:gosec // As written by appendFrame.
	r.Time, r.Resent, r.Died = stamp(16, hasTime), stamp(24, hasResent), stamp(32, hasDied)
	r.Private, r.erased = flags&isPrivate != 0, flags&isErased != 0
	if flags&(isCopy|hasDied) == isCopy {
		r.copyOf = binary.LittleEndian.Uint64(b[32:])
	}
	r.Key, r.Reason, r.Body = string(b[frameHead:key]), string(b[key:reason]), b[reason:]
	return r, nil
}

// maxFrame bounds a frame, and with it how much a damaged length can make us read.
const maxFrame = 1<<20 + 4<<10
