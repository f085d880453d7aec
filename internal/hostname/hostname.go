// Package hostname compares the names of hosts. One name has several spellings:
// in upper case, with a dot at its end, in letters, or in the code that DNS
// uses for them (müller.example, xn--mller-kva.example).
package hostname

import (
	"net"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Same reports whether two hosts have the same name. Each may have a port,
// which does not matter.
func Same(a, b string) bool {
	a, b = web.HostOnly(a), web.HostOnly(b)
	return strings.EqualFold(a, b) || Plain(a) == Plain(b)
}

// SameOrigin reports whether two hosts have the same name and the same port. The usual ports
// of http and https are none: a proxy may have left them out, or written them.
func SameOrigin(a, b string) bool { return Same(a, b) && portOf(a) == portOf(b) }

// portOf is the port of a host, "" for the usual ones.
func portOf(host string) string {
	_, port, err := net.SplitHostPort(host)
	if err != nil || port == "80" || port == "443" {
		return ""
	}
	return port
}

// In reports whether a host, without a port, is one of a list whose names are [Plain]. One
// that begins with *. stands for all names below it.
func In(plain []string, host string) bool {
	return web.HostIn(plain, host) || hasLetters(host) && web.HostIn(plain, Plain(host))
}

// hasLetters reports whether a name can have letters beyond ASCII, perhaps in code.
func hasLetters(host string) bool {
	return strings.Contains(host, "xn--") || strings.Contains(host, "XN--") ||
		strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
}

// Plain returns a host name in one spelling. It is only for comparison.
func Plain(host string) string {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		label = strings.ToLower(norm.NFKC.String(label))
		if code, ok := strings.CutPrefix(label, "xn--"); ok {
			if text, ok := decodeLabel(code); ok {
				label = strings.ToLower(norm.NFKC.String(text))
			}
		}
		labels[i] = label
	}
	return strings.Join(labels, ".")
}

// The numbers of Punycode (RFC 3492, section 5).
const (
	codeBase    = 36
	codeMin     = 1
	codeMax     = 26
	codeSkew    = 38
	codeDamp    = 700
	codeBias    = 72
	codeFirst   = 0x80
	longestCode = 63 // bytes of a label (RFC 1035, section 2.3.4)
)

// decodeLabel reads a label in Punycode, without its xn-- (RFC 3492, section
// 6.2). ok is false if it is not Punycode.
func decodeLabel(code string) (text string, ok bool) {
	if len(code) > longestCode {
		return "", false
	}
	var out []rune
	if i := strings.LastIndexByte(code, '-'); i >= 0 {
		out, code = []rune(code[:i]), code[i+1:]
	}
	n, at, bias := rune(codeFirst), 0, codeBias
	for code != "" {
		old, weight := at, 1
		for k := codeBase; ; k += codeBase {
			if code == "" {
				return "", false
			}
			digit := codeDigit(code[0])
			code = code[1:]
			if digit < 0 || digit > (1<<31-1-at)/weight {
				return "", false
			}
			at += digit * weight
			t := min(max(k-bias, codeMin), codeMax)
			if digit < t {
				break
			}
			if weight > (1<<31-1)/(codeBase-t) {
				return "", false
			}
			weight *= codeBase - t
		}
		size := len(out) + 1
		bias = codeBiasAfter(at-old, size, old == 0)
		if at/size > utf8.MaxRune-int(n) {
			return "", false
		}
		n += rune(at / size) //nolint:gosec // Bounded above.
		at %= size
		out = append(out, 0)
		copy(out[at+1:], out[at:])
		out[at] = n
		at++
	}
	return string(out), true
}

func codeDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c-'0') + 26
	case 'a' <= c && c <= 'z':
		return int(c - 'a')
	}
	return -1
}

// codeBiasAfter adapts the bias (RFC 3492, section 6.1).
func codeBiasAfter(delta, size int, first bool) int {
	if first {
		delta /= codeDamp
	} else {
		delta /= 2
	}
	delta += delta / size
	k := 0
	for ; delta > (codeBase-codeMin)*codeMax/2; k += codeBase {
		delta /= codeBase - codeMin
	}
	return k + (codeBase-codeMin+1)*delta/(delta+codeSkew)
}
