package scan

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
)

const (
	maxFormParts  = 1000     // parts of one multipart body whose headers are read
	maxPartHeader = 16 << 10 // bytes of the header of one part
	maxPartLine   = 4 << 10  // bytes of the line of a boundary, as in mime/multipart
)

// Parts reads the wanted fields of a multipart body (RFC 7578) while it passes, in
// pieces of any size. It keeps them and no other part: an upload of any length is
// looked at for its end, and forgotten. It understands a body as mime/multipart does.
type Parts struct {
	fields Fields
	// delimiter is CRLF, two dashes and the boundary. bare says that the body has LF in
	// place of CRLF, as its first boundary tells.
	delimiter []byte
	bare      bool

	state partsState
	parts int
	blind bool    // headers are not read any more, so no part is wanted
	field int     // the wanted field that the part is, or -1
	begun bool    // the part's body has a byte
	long  bool    // the line is too long for a boundary, or the value for a field
	coded bool    // the value is quoted-printable
	in    charset // what the part says that its value is in
	line  int     // where the last line of header begins

	carry  []byte // what cannot be judged before more has come
	looked int    // bytes of carry that have no end of a line
	header []byte // of the part
	value  []byte // of the part, if it is wanted
	kept   int    // bytes of the fields
}

type partsState uint8

const (
	atLine   partsState = iota // before the first boundary, or at one
	inHeader                   // of a part
	inBody                     // of a part
	atEnd                      // behind the last boundary
	atFault                    // nobody can say what comes
)

// NewParts begins with a body of that type. Of one without a boundary no field can
// be told.
func NewParts(contentType string, want []string) *Parts {
	p := &Parts{fields: newFields(want)}
	_, params, err := mime.ParseMediaType(contentType)
	p.delimiter = []byte("\r\n--" + params["boundary"])
	if err != nil || params["boundary"] == "" || len(p.delimiter) >= maxPartLine {
		p.state, p.delimiter = atFault, nil
	}
	return p
}

// Reset begins anew with the same body.
func (p *Parts) Reset() {
	p.Clear()
	p.fields.again(charsetUnknown)
	*p = Parts{fields: p.fields, delimiter: p.delimiter, carry: p.carry[:0], header: p.header[:0], value: p.value[:0]}
	if len(p.delimiter) == 0 {
		p.state = atFault
	}
}

// Clear wipes what was kept for parts to come. The fields stay.
func (p *Parts) Clear() {
	for _, b := range [][]byte{p.carry, p.header, p.value} {
		clear(b[:cap(b)])
	}
}

// Held is how many bytes are kept.
func (p *Parts) Held() int { return cap(p.carry) + cap(p.header) + cap(p.value) + p.kept }

// Kept is how many of them are of the fields.
func (p *Parts) Kept() int { return p.kept }

// Ended reports whether the last boundary has come. What follows means nothing.
func (p *Parts) Ended() bool {
	if p.state != atLine {
		return p.state == atEnd
	}
	rest, ok := bytes.CutPrefix(p.carry, p.dashes())
	return ok && bytes.HasPrefix(rest, []byte("--"))
}

// Fields ends the reading. A field is in doubt if it was not met and the last
// boundary was not met either.
func (p *Parts) Fields() Fields {
	if p.state == atLine && isLastLine(p.carry, p.dashes(), nil) {
		p.state = atEnd // the body ends with the boundary, without the end of a line
	}
	if p.state != atEnd {
		p.lose(DoubtBroken)
		p.state = atFault
	}
	p.fields.end()
	return p.fields
}

func (p *Parts) lose(why Doubt) {
	if p.fields.lost == NoDoubt {
		p.fields.lost = why
	}
}

// Write reads one piece of the body, which it does not keep.
func (p *Parts) Write(b []byte) {
	const piece = 512 // of b at a time, as long as something waits for it
	for len(b) > 0 && p.state < atEnd {
		if len(p.carry) == 0 {
			n, more := p.step(b)
			if b = b[n:]; more {
				p.carry = append(p.carry, b...)
				return
			}
			continue
		}
		had := len(p.carry)
		p.carry = append(p.carry, b[:min(len(b), piece)]...)
		n, more := p.step(p.carry)
		switch {
		case n >= had: // b alone is left
			b, p.carry = b[n-had:], p.carry[:0]
		default:
			b = b[len(p.carry)-had:]
			p.carry = append(p.carry[:0], p.carry[n:]...)
			if !more {
				p.drain()
			}
		}
	}
}

// drain reads on in what waits, until more is needed.
func (p *Parts) drain() {
	for len(p.carry) > 0 && p.state < atEnd {
		n, more := p.step(p.carry)
		p.carry = append(p.carry[:0], p.carry[n:]...)
		if more {
			return
		}
	}
}

// step reads the beginning of b, n bytes of it. more says that the rest cannot be
// judged before something follows it.
func (p *Parts) step(b []byte) (n int, more bool) {
	switch p.state {
	case inHeader:
		return p.readHeader(b), false
	case inBody:
		return p.readBody(b)
	case atLine:
		return p.readLine(b)
	case atEnd, atFault:
	}
	return len(b), false
}

// readLine reads a line before the first part, or that of a boundary.
func (p *Parts) readLine(b []byte) (n int, more bool) {
	end := bytes.IndexByte(b[p.looked:], '\n')
	if end < 0 {
		if p.long = p.long || len(b) > maxPartLine; p.long {
			p.looked = 0
			return len(b), false
		}
		p.looked = len(b)
		return 0, true
	}
	line := b[:p.looked+end+1]
	long := p.long
	p.looked, p.long = 0, false
	switch {
	case long && p.parts == 0:
	case isLastLine(line, p.dashes(), p.newline()):
		p.state = atEnd
	case p.isDelimiter(line):
		p.next()
	case p.parts > 0:
		p.state = atFault
	}
	return len(line), false
}

func (p *Parts) newline() []byte { return p.delimiter[btoi(p.bare):2] }

// dashes are a boundary at the beginning of a line.
func (p *Parts) dashes() []byte { return p.delimiter[2:] }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isLastLine reports whether a line is that of the last boundary. Blanks may follow
// it (RFC 2046, section 5.1.1).
func isLastLine(line, dashes, newline []byte) bool {
	rest, ok := bytes.CutPrefix(line, dashes)
	if !ok {
		return false
	}
	rest, ok = bytes.CutPrefix(rest, []byte("--"))
	rest = bytes.TrimLeft(rest, " \t")
	return ok && (len(rest) == 0 || bytes.Equal(rest, newline))
}

// isDelimiter reports whether a line is that of a boundary before a part. The first
// one says how lines end.
func (p *Parts) isDelimiter(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, p.dashes())
	rest = bytes.TrimLeft(rest, " \t")
	if ok && p.parts == 0 && len(rest) == 1 {
		p.bare = true
	}
	return ok && bytes.Equal(rest, p.newline())
}

// next begins a part.
func (p *Parts) next() {
	p.parts++
	if p.parts > maxFormParts && !p.blind {
		p.blind = true
		p.lose(DoubtTooLarge)
	}
	p.header, p.value, p.line = p.header[:0], p.value[:0], 0
	p.field, p.begun, p.long, p.coded, p.in, p.state = noField, false, false, false, charsetUnknown, inHeader
	if p.blind {
		p.state = inBody
	}
}

// readHeader reads at most to the end of a line of the part's header.
func (p *Parts) readHeader(b []byte) (n int) {
	end := bytes.IndexByte(b, '\n') + 1
	if n = end; n == 0 {
		n = len(b)
	}
	if len(p.header)+n > maxPartHeader {
		p.lose(DoubtTooLarge) // nobody knows the name of the part
		p.state, p.begun = inBody, true
		return 0
	}
	p.header = append(p.header, b[:n]...)
	if end == 0 {
		return n
	}
	if line := p.header[p.line:]; len(line) > 2 || len(line) == 2 && line[0] != '\r' {
		p.line = len(p.header)
		return n
	}
	p.state = inBody
	h, err := textproto.NewReader(bufio.NewReaderSize(bytes.NewReader(p.header), 512)).ReadMIMEHeader()
	if err != nil {
		p.blind = true
		p.lose(DoubtBroken)
		return n
	}
	p.field = p.fields.wantedPart(h)
	p.coded, p.in = isQuotedPrintable(h), charsetIn(h.Get("Content-Type"))
	return n
}

func isQuotedPrintable(h textproto.MIMEHeader) bool {
	return bytes.EqualFold([]byte(h.Get("Content-Transfer-Encoding")), []byte("quoted-printable"))
}

// readBody reads of the part's body what surely belongs to it, and its end.
func (p *Parts) readBody(b []byte) (n int, more bool) {
	dashes := p.dashes()
	if !p.begun { // an empty body has no line of its own before the boundary
		switch {
		case bytes.HasPrefix(b, dashes):
			if at := behind(b[len(dashes):]); at == boundaryOpen {
				return 0, true
			} else if at == boundaryHere {
				p.endPart()
				return 0, false
			}
			p.keep(dashes)
			return len(dashes), false
		case bytes.HasPrefix(dashes, b):
			return 0, true
		}
	}
	delimiter := p.delimiter[btoi(p.bare):]
	if i := bytes.Index(b, delimiter); i >= 0 {
		p.keep(b[:i])
		switch behind(b[i+len(delimiter):]) {
		case boundaryHere:
			p.endPart()
			return i + len(p.newline()), false
		case boundaryOpen:
			return i, true
		case boundaryNot:
		}
		p.keep(delimiter)
		return i + len(delimiter), false
	}
	if i := bytes.LastIndexByte(b, delimiter[0]); i >= 0 && bytes.HasPrefix(delimiter, b[i:]) {
		p.keep(b[:i])
		return i, true
	}
	p.keep(b)
	return len(b), false
}

// What follows a delimiter makes a boundary of it, or a part of the body.
const (
	boundaryNot = iota
	boundaryOpen
	boundaryHere
)

func behind(b []byte) int {
	switch {
	case len(b) == 0:
		return boundaryOpen
	case b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n':
		return boundaryHere
	case b[0] != '-':
		return boundaryNot
	case len(b) == 1:
		return boundaryOpen
	case b[1] == '-':
		return boundaryHere
	}
	return boundaryNot
}

// keep keeps bytes of the part's body, if it is wanted.
func (p *Parts) keep(b []byte) {
	p.begun = p.begun || len(b) > 0
	limit := maxFormValue
	if p.coded {
		limit *= len("=XX") + 1 // and the ends of lines
	}
	switch {
	case p.field == noField || p.long:
	case len(p.value)+len(b) > limit:
		p.long, p.value = true, p.value[:0]
	default:
		p.value = append(p.value, b...)
	}
}

// endPart takes the value of the part, and waits for the line of the boundary.
func (p *Parts) endPart() {
	p.state = atLine
	i, long := p.field, p.long
	p.field, p.long, p.looked = noField, false, 0
	switch {
	case i == noField, i == tellsCharset && long:
		return
	case long:
		p.fields.tooLong(i)
		return
	}
	value := p.value
	if p.coded {
		var err error
		if value, err = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(value))); err != nil && i != tellsCharset {
			p.fields.broken(i)
			return
		}
	}
	switch {
	case i == tellsCharset:
		p.fields.declare(string(value))
	case p.in.reads(): // it wins over what the form says of all (RFC 7578, 4.5 and 4.6)
		p.kept += p.fields.set(i, p.in.decode(string(value)), true)
	default:
		p.kept += p.fields.set(i, string(value), p.in == charsetUTF8)
	}
}

// What a part can be beside a wanted field, by its index.
const (
	noField      = -1
	tellsCharset = -2
)

// wantedPart returns the index of the field that a part is, tellsCharset or noField. An
// upload is not a value.
func (f *Fields) wantedPart(h textproto.MIMEHeader) int {
	part := multipart.Part{Header: h}
	name := part.FormName()
	if name == "" || part.FileName() != "" {
		return noField
	}
	for i := range f.fields {
		if field := &f.fields[i]; field.name == name || field.latin != "" && field.latin == name {
			return i
		}
	}
	if name == charsetField {
		return tellsCharset
	}
	return noField
}
