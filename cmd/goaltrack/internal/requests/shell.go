package requests

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Words of a command line, as a browser writes it for a shell: for sh and bash, or for
// Windows' cmd. Chrome's code for both is in
// https://source.chromium.org/chromium/chromium/src/+/main:third_party/devtools-frontend/src/front_end/panels/network/NetworkLogView.ts
// and Firefox' in
// https://searchfox.org/mozilla-central/source/devtools/client/shared/curl.js.

// isWindows reports whether a command is written for cmd, where ^ takes the meaning from
// the character behind it.
func isWindows(text string) bool {
	return strings.Contains(text, `^"`) || strings.Contains(text, "^\n") || strings.Contains(text, "^\r\n")
}

// wordsOf cuts a command into words. The second result is what stands behind an unquoted
// arrow "->", which is no part of the command; hasAnswer says that there is one.
func wordsOf(text string) (words []string, answer string, hasAnswer bool, err error) {
	if isWindows(text) {
		words, err = windowsWords(text)
		for i, w := range words {
			if w == "->" {
				return words[:i], quoteWords(words[i+1:]), true, err
			}
		}
		return words, "", false, err
	}
	s := &shell{text: text}
	for {
		word, more, err := s.word()
		switch {
		case err != nil:
			return nil, "", false, err
		case !more:
			return words, "", false, nil
		case word == "->" && s.bare:
			return words, strings.TrimSpace(s.text[s.at:]), true, nil
		}
		words = append(words, word)
	}
}

// quoteWords writes words as an example does. A quote in one cannot be written there.
func quoteWords(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(` "` + strings.ReplaceAll(w, `"`, "") + `"`)
	}
	return strings.TrimSpace(b.String())
}

// shell reads the words of a command for sh or bash, as POSIX has them
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html), with
// bash's $'...'.
type shell struct {
	text string
	at   int
	bare bool // the last word had no quotes
}

// word is the next word. more is false at the end of the command.
func (s *shell) word() (word string, more bool, err error) {
	s.skipBlanks()
	if s.at >= len(s.text) || s.ends() {
		return "", false, nil
	}
	var b strings.Builder
	for s.bare = true; s.at < len(s.text); {
		c := s.text[s.at]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			return b.String(), true, nil
		case c == '\'':
			s.bare = false
			err = s.single(&b)
		case c == '"':
			s.bare = false
			err = s.double(&b)
		case strings.HasPrefix(s.text[s.at:], "$'"):
			s.bare = false
			err = s.ansi(&b)
		case c == '\\':
			s.escaped(&b)
		case strings.HasPrefix(s.text[s.at:], "->"):
			b.WriteString("->")
			s.at += 2
		case strings.IndexByte("|;<>&", c) >= 0:
			return b.String(), true, s.stop(b.String())
		default:
			if err = refuseShell(s.text[s.at:]); err == nil {
				b.WriteByte(c)
				s.at++
			}
		}
		if err != nil {
			return "", false, err
		}
	}
	return b.String(), true, nil
}

// stop is what is said of a character that ends a command right behind a word.
func (s *shell) stop(word string) error {
	if rest := s.text[s.at:]; rest[0] == '&' && !strings.HasPrefix(rest, "&&") && strings.Contains(word, "?") {
		return errors.New("put quotes around the address: a shell ends the command at the &")
	}
	return nil
}

func (s *shell) skipBlanks() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.HasPrefix(rest, "\\\n"):
			s.at += 2
		case strings.HasPrefix(rest, "\\\r\n"):
			s.at += 3
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.at++
		default:
			return
		}
	}
}

// ends reports whether another command follows, or where the output goes.
func (s *shell) ends() bool {
	rest := s.text[s.at:]
	return strings.IndexByte("|;<>&#", rest[0]) >= 0 || strings.HasPrefix(rest, "2>")
}

func (s *shell) single(b *strings.Builder) error {
	body, _, ok := strings.Cut(s.text[s.at+1:], "'")
	if !ok {
		return errOpenQuote
	}
	b.WriteString(body)
	s.at += len(body) + 2
	return nil
}

var errOpenQuote = errors.New("a quote is opened and never closed")

func (s *shell) double(b *strings.Builder) error {
	for s.at++; s.at < len(s.text); {
		c := s.text[s.at]
		switch {
		case c == '"':
			s.at++
			return nil
		case c == '\\' && s.at+1 < len(s.text):
			next := s.text[s.at+1]
			if strings.IndexByte("$`\"\\\n", next) < 0 {
				b.WriteByte(c)
			}
			if next != '\n' {
				b.WriteByte(next)
			}
			s.at += 2
		default:
			if err := refuseShell(s.text[s.at:]); err != nil {
				return err
			}
			b.WriteByte(c)
			s.at++
		}
	}
	return errOpenQuote
}

// refuseShell refuses what a shell would replace by something that is not known here.
func refuseShell(rest string) error {
	if rest[0] == '`' || strings.HasPrefix(rest, "$(") {
		return errors.New("the command runs another one inside it; write out what that prints")
	}
	if len(rest) > 1 && rest[0] == '$' && (rest[1] == '{' || rest[1] == '_' || isLetter(rest[1])) {
		name := rest[1:]
		for i := range len(name) {
			if c := name[i]; c != '{' && c != '_' && !isLetter(c) && (c < '0' || c > '9') {
				name = name[:i]
				break
			}
		}
		return fmt.Errorf("the value of the shell's variable %.40s is not known here; write it out, or put single quotes around the text", strings.Trim(name, "{}"))
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// escaped reads what stands behind a backslash outside of quotes.
func (s *shell) escaped(b *strings.Builder) {
	rest := s.text[s.at+1:]
	switch {
	case rest == "":
		s.at++
		b.WriteByte('\\')
	case rest[0] == '\n':
		s.at += 2
	case strings.HasPrefix(rest, "\r\n"):
		s.at += 3
	default:
		_, n := utf8.DecodeRuneInString(rest)
		b.WriteString(rest[:n])
		s.at += 1 + n
	}
}

// letters are what bash makes of a backslash and a letter in $'...'.
var letters = map[byte]byte{'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': '\n', 'r': '\r', 't': '\t', 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?'}

// ansi reads $'...' (https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html).
func (s *shell) ansi(b *strings.Builder) error {
	for s.at += 2; s.at < len(s.text); {
		c := s.text[s.at]
		s.at++
		if c == '\'' {
			return nil
		}
		if c != '\\' || s.at >= len(s.text) {
			b.WriteByte(c)
			continue
		}
		c = s.text[s.at]
		s.at++
		switch {
		case letters[c] != 0:
			b.WriteByte(letters[c])
		case c == 'x':
			if n, ok := s.digits(2, 16); ok {
				b.WriteByte(byte(n)) //nolint:gosec // Two digits.
				continue
			}
			b.WriteString(`\x`)
		case c == 'u' || c == 'U':
			most := 4
			if c == 'U' {
				most = 8
			}
			if n, ok := s.digits(most, 16); ok {
				b.WriteRune(rune(n)) //nolint:gosec // What is none becomes U+FFFD.
				continue
			}
			b.WriteString(`\` + string(c))
		case '0' <= c && c <= '7':
			s.at--
			n, _ := s.digits(3, 8)
			b.WriteByte(byte(n)) //nolint:gosec // As bash does.
		case c == 'c' && s.at < len(s.text):
			b.WriteByte(s.text[s.at] & 0x1f)
			s.at++
		default:
			b.WriteString(`\` + string(c))
		}
	}
	return errOpenQuote
}

// digits reads a number of at most so many digits.
func (s *shell) digits(most, base int) (n uint64, ok bool) {
	end := s.at
	for end < len(s.text) && end-s.at < most {
		if _, err := strconv.ParseUint(s.text[end:end+1], base, 8); err != nil {
			break
		}
		end++
	}
	n, err := strconv.ParseUint(s.text[s.at:end], base, 32)
	s.at = end
	return n, err == nil
}

// windowsWords cuts a command for Windows' cmd into words. First cmd takes each ^ away
// that is outside of its own quotes. Then the program's start takes the quotes away. A
// browser doubles each backslash, and writes \" for a quote.
func windowsWords(text string) (words []string, err error) {
	plain := withoutCarets(text)
	var b strings.Builder
	quoted, started := false, false
	for i := 0; i < len(plain); i++ {
		c := plain[i]
		switch {
		case c == '\\' && i+1 < len(plain) && (plain[i+1] == '"' || plain[i+1] == '\\'):
			i++
			b.WriteByte(plain[i])
			started = true
		case c == '"' && quoted && i+1 < len(plain) && plain[i+1] == '"':
			i++
			b.WriteByte('"')
		case c == '"':
			quoted, started = !quoted, true
		case !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			if started {
				words = append(words, b.String())
			}
			b.Reset()
			started = false
		default:
			b.WriteByte(c)
			started = true
		}
	}
	if quoted {
		return nil, errOpenQuote
	}
	if started {
		words = append(words, b.String())
	}
	return words, nil
}

// withoutCarets does what cmd does to a command before it is run.
func withoutCarets(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '^' && !quoted:
			if i++; i < len(text) && text[i] == '\n' { // the command goes on in the next line
				i++
			}
			if i < len(text) {
				b.WriteByte(text[i])
			}
		default:
			if c == '"' {
				quoted = !quoted
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}
