package scan

import "bytes"

// Stream reads the wanted fields of a form while it passes, in pieces of any size. It
// keeps them and nothing else, so that a form may be of any length.
type Stream interface {
	// Write reads one piece of the body, which it does not keep.
	Write(b []byte)
	// Fields ends the reading.
	Fields() Fields
	// Ended reports whether what follows means nothing.
	Ended() bool
	// Held is how many bytes are kept, and Kept how many of them are of the fields.
	Held() int
	Kept() int
	// Reset begins anew with the same body.
	Reset()
	// Clear wipes what was kept for what is to come. The fields stay.
	Clear()
}

var (
	_ Stream = (*Pairs)(nil)
	_ Stream = (*Parts)(nil)
)

// Pairs reads the wanted fields of a urlencoded body as it passes. Its zero value is to
// be begun. It understands a body as [net/url.ParseQuery] does, which skips a pair with
// a semicolon or an invalid escape and goes on with the next.
type Pairs struct {
	fields  Fields
	told    charset // by the Content-Type
	carry   []byte  // the beginning of a pair that may be wanted
	skips   bool    // the rest of the pair is not
	kept    int     // bytes of the fields
	longest int     // how long a wanted name can be, escaped
}

// maxPair is how long the value of a wanted field can be, escaped.
const maxPair = maxFormValue * len("%XX")

// Begin returns what reads a form of that type: p, or [Parts] for a multipart body. It is
// nil for a body of any other kind.
func (p *Pairs) Begin(contentType string, want []string) Stream {
	switch KindOf(contentType) {
	case KindURLEncoded:
		p.begin(contentType, want)
		return p
	case KindMultipart:
		return NewParts(contentType, want)
	case KindNone, KindJSON, KindText:
	}
	return nil
}

func (p *Pairs) begin(contentType string, want []string) {
	*p = Pairs{fields: newFields(want), told: charsetIn(contentType), longest: len(charsetField)}
	p.fields.charset = p.told
	for _, name := range want {
		p.longest = max(p.longest, len(name))
	}
	p.longest *= len("%XX")
}

// Write implements [Stream].
func (p *Pairs) Write(b []byte) {
	for len(b) > 0 {
		pair, rest, whole := bytes.Cut(b, []byte("&"))
		switch {
		case p.skips:
		case len(p.carry) > 0 || !whole:
			p.hold(pair)
			if whole && !p.skips {
				p.take(p.carry)
			}
		default:
			p.take(pair)
		}
		if b = rest; whole {
			p.carry, p.skips = p.carry[:0], false
		}
	}
}

// hold keeps more of a pair whose end has not come, if it may be wanted. A value that is
// too long in any case is not kept to its end.
func (p *Pairs) hold(more []byte) {
	if bytes.IndexByte(p.carry, '=') < 0 {
		end := bytes.IndexByte(more, '=') + 1
		named := end > 0
		if !named {
			end = len(more)
		}
		key := more[:end]
		if len(p.carry) > 0 {
			key = append(p.carry, key...)
		}
		if p.skips = len(key) > p.longest+1 || named && !p.wants(key[:len(key)-1]); p.skips {
			return
		}
		p.carry, more = append(p.carry, more[:end]...), more[end:]
	}
	room := p.longest + len("=") + maxPair + 1 - len(p.carry)
	p.carry = append(p.carry, more[:min(len(more), room)]...)
}

func (p *Pairs) wants(key []byte) bool {
	return p.fields.wantedKey(key) >= 0 || isCharsetField(key)
}

// isCharsetField reports whether a key names the field that tells the charset. Browsers
// escape none of its characters.
func isCharsetField(key []byte) bool { return string(key) == charsetField }

// take takes in a whole pair.
func (p *Pairs) take(pair []byte) {
	if len(pair) == 0 {
		return
	}
	key, value, _ := bytes.Cut(pair, []byte("="))
	if isCharsetField(key) {
		if label, ok := unescapeForm(value); ok {
			p.fields.declare(label)
		}
	}
	i := p.fields.wantedKey(key)
	switch {
	case i < 0:
	case len(value) > maxPair:
		p.fields.tooLong(i)
	default:
		if text, ok := unescapeForm(value); ok && bytes.IndexByte(pair, ';') < 0 {
			p.kept += p.fields.set(i, text, false)
		} else {
			p.fields.broken(i) // to Go it is absent, to PHP it is not
		}
	}
}

// Fields implements [Stream].
func (p *Pairs) Fields() Fields {
	if !p.skips {
		p.take(p.carry)
	}
	p.carry, p.skips = p.carry[:0], false
	p.fields.end()
	return p.fields
}

// Ended implements [Stream]: more may always follow.
func (*Pairs) Ended() bool { return false }

// Held implements [Stream].
func (p *Pairs) Held() int { return cap(p.carry) + p.kept }

// Kept implements [Stream].
func (p *Pairs) Kept() int { return p.kept }

// Reset implements [Stream].
func (p *Pairs) Reset() {
	p.Clear()
	p.fields.again(p.told)
	p.carry, p.skips, p.kept = p.carry[:0], false, 0
}

// Clear implements [Stream].
func (p *Pairs) Clear() { clear(p.carry[:cap(p.carry)]) }
