package queue

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// header describes a segment, at the beginning of its file. It is there twice, a page
// apart, so that one damaged page does not cost the segment.
type header struct {
	kind     uint8
	size     int64  // of the file
	capacity int    // how many records the ack map has room for
	id       uint64 // as in the name
	first    uint64 // the lowest number a record may have
	salt     uint64
	created  time.Time

	// The following are in the file only if the segment is sealed: nothing more is
	// written to it then.
	sealed bool
	count  int    // records
	end    int64  // of the last frame
	bytes  int64  // of bodies and keys
	last   uint64 // the highest number
	newest time.Time
}

const (
	headerMagic   = "goalspl\n"
	headerVersion = 1
	headerSize    = 128
	pageSize      = 4096
	flagSealed    = 1
)

var (
	errNewer   = errors.New("queue: written by a newer version")
	errDamaged = errors.New("queue: damaged")
)

func newHeader(kind uint8, size int64) header {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	// Records are taken to have 128 bytes or more. Smaller ones fill the map before
	// the file.
	blocks := max((size-2*pageSize)/128, 1)/ackBits + 1
	return header{kind: kind, size: size, capacity: int(blocks) * ackBits, salt: binary.LittleEndian.Uint64(salt[:]), created: time.Now()}
}

// data returns the offset at which the frames begin.
func (h *header) data() int64 {
	acks := int64(h.capacity / ackBits * ackBlock)
	return 2*pageSize + (acks+pageSize-1)/pageSize*pageSize
}

func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, headerMagic)
	le := binary.LittleEndian
	le.PutUint16(b[8:], headerVersion)
	b[10] = h.kind
	if h.sealed {
		b[11] = flagSealed
		le.PutUint64(b[88:], uint64(h.newest.UnixNano()))
	}
	for off, v := range map[int]int64{12: h.size, 48: int64(h.capacity), 52: int64(h.count), 56: h.end} {
		le.PutUint32(b[off:], uint32(v)) //nolint:gosec // A segment is at most 64 MiB.
	}
	le.PutUint64(b[16:], h.id)
	le.PutUint64(b[24:], h.first)
	le.PutUint64(b[32:], h.salt)
	le.PutUint64(b[40:], uint64(h.created.UnixNano()))
	le.PutUint64(b[64:], uint64(h.bytes)) //nolint:gosec // Not negative.
	le.PutUint64(b[72:], h.last)
	le.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli))
	return b
}

func decodeHeader(b []byte) (h header, err error) {
	le := binary.LittleEndian
	if len(b) < headerSize || string(b[:8]) != headerMagic ||
		le.Uint32(b[headerSize-4:]) != crc32.Checksum(b[:headerSize-4], castagnoli) {
		return h, errDamaged
	}
	if le.Uint16(b[8:]) > headerVersion {
		return h, errNewer
	}
	h = header{
		kind: b[10], sealed: b[11]&flagSealed != 0,
		size: int64(le.Uint32(b[12:])), capacity: int(le.Uint32(b[48:])), count: int(le.Uint32(b[52:])), end: int64(le.Uint32(b[56:])),
		id: le.Uint64(b[16:]), first: le.Uint64(b[24:]), salt: le.Uint64(b[32:]), created: time.Unix(0, int64(le.Uint64(b[40:]))), //nolint:gosec // As encoded.
		bytes: int64(le.Uint64(b[64:])), last: le.Uint64(b[72:]), newest: time.Unix(0, int64(le.Uint64(b[88:]))), //nolint:gosec // As encoded.
	}
	if h.size < 3*pageSize || h.size > maxSegment || h.capacity < ackBits || h.capacity%ackBits != 0 || h.data() >= h.size ||
		h.end > h.size || h.sealed && (h.end < h.data() || h.count > h.capacity) {
		return h, errDamaged // the checksum is right: whoever wrote it made the mistake
	}
	return h, nil
}

// ackMap says which of a segment's records are settled. It has a bit for each, in blocks
// that have a checksum of their own. In a damaged block nothing counts as settled, so
// its records are sent again.
type ackMap struct {
	salt   uint64
	blocks []byte
}

const (
	ackBlock = 64
	ackBits  = (ackBlock - 4) * 8 // records of a block
)

func (a ackMap) sum(block int) uint32 {
	b := a.blocks[block*ackBlock:][:ackBlock-4]
	sum := crc32.Update(saltedSum(a.salt), castagnoli, binary.LittleEndian.AppendUint32(make([]byte, 0, 4), uint32(block))) //nolint:gosec // Small.
	return crc32.Update(sum, castagnoli, b)
}

// check clears and counts the damaged blocks. A block that was never written is all
// zeros.
func (a ackMap) check() (damaged int) {
	for i := range len(a.blocks) / ackBlock {
		b := a.blocks[i*ackBlock:][:ackBlock]
		if [ackBlock]byte(b) == [ackBlock]byte{} || binary.LittleEndian.Uint32(b[ackBlock-4:]) == a.sum(i) {
			continue
		}
		clear(b)
		damaged++
	}
	return damaged
}

func (a ackMap) capacity() uint64 {
	return uint64(len(a.blocks) / ackBlock * ackBits)
}

func (a ackMap) has(index uint64) bool {
	byt, bit := index%ackBits/8, index%8
	return a.blocks[index/ackBits*ackBlock+byt]&(1<<bit) != 0
}

// set marks a record. It returns the block that has to be written, and its offset.
func (a ackMap) set(index uint64) (block []byte, off int64) {
	byt, bit := index%ackBits/8, index%8
	i := int(index / ackBits) //nolint:gosec // Below the capacity.
	block = a.blocks[i*ackBlock:][:ackBlock]
	block[byt] |= 1 << bit
	binary.LittleEndian.PutUint32(block[ackBlock-4:], a.sum(i))
	return block, 2*pageSize + int64(i*ackBlock)
}
