package ext

import (
	"encoding/binary"
	"encoding/hex"
)

// AppendUUID writes a version 4 UUID (RFC 9562) of random bits.
func AppendUUID(dst []byte, hi, lo uint64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi&^0xf000|0x4000)
	binary.BigEndian.PutUint64(b[8:], lo&^(3<<62)|2<<62)
	var digits [2 * len(b)]byte
	hex.Encode(digits[:], b[:])
	dst = append(append(dst, digits[:8]...), '-')
	dst = append(append(dst, digits[8:12]...), '-')
	dst = append(append(dst, digits[12:16]...), '-')
	dst = append(append(dst, digits[16:20]...), '-')
	return append(dst, digits[20:]...)
}
