package requests

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/goaltrack/goaltrack/rule"
)

// isCurl reports whether a text is a curl command.
func isCurl(text string) bool {
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t\r\n"), "$ ")
	end := strings.IndexAny(text, " \t\n")
	return end > 0 && (text[:end] == "curl" || strings.EqualFold(text[:end], "curl.exe"))
}

// curlEnd is where the command ends with which a text begins: at the first end of a line
// that is neither quoted nor escaped.
func curlEnd(text string) int {
	line, _, _ := strings.Cut(text, "\n")
	windows := isWindows(line + "\n")
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case windows && c == '^':
			if i++; strings.HasPrefix(text[min(i, len(text)):], "\n\n") {
				i++
			}
		case windows && c == '\n':
			return i + 1
		case windows:
		case c == '\\' && quote != '\'':
			i++
		case quote == '$' && c == '\'', quote != 0 && c == quote:
			quote = 0
		case quote == 0 && strings.HasPrefix(text[i:], "$'"):
			quote, i = '$', i+1
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == '\n':
			return i + 1
		}
	}
	return len(text)
}

// parseCurl reads a curl command. Behind an arrow there may stand the answer, as in an
// example.
func parseCurl(text string) (Request, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "$ ")
	words, answer, answered, err := wordsOf(text)
	if err != nil {
		return Request{Line: shortLine(text)}, fmt.Errorf("curl: %w", err)
	}
	if len(words) > 0 {
		words = words[1:]
	}
	return curlRequest(words, answer, answered)
}

// Curl reads a curl command whose words a shell has already made, without the word curl.
func Curl(words []string) (Request, error) {
	for i, w := range words {
		if w == "->" {
			return curlRequest(words[:i], quoteWords(words[i+1:]), true)
		}
	}
	return curlRequest(words, "", false)
}

func curlRequest(words []string, answer string, answered bool) (Request, error) {
	c := &curl{header: http.Header{}}
	if err := c.read(words); err != nil {
		return Request{Line: "curl"}, fmt.Errorf("curl: %w", err)
	}
	e, err := rule.ParseExample("GET /")
	if answered {
		e, err = rule.ParseExample("GET / -> " + answer)
	}
	if err == nil {
		err = c.finish(&e)
	}
	if err != nil {
		return Request{Line: "curl"}, fmt.Errorf("curl: %w", err)
	}
	line := e.Method + " " + c.address
	if answered {
		line += " -> " + answer
	}
	return Request{Line: shortLine(line), Example: e}, nil
}

// shortLine is a request as it is shown: in one line that is not too long.
func shortLine(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// curl is what a command says, option by option.
type curl struct {
	address, method string
	header          http.Header
	removed         []string // headers that are not to be sent
	cookies         []string
	data            []string // of the body, which are joined by &
	parts           []part
	json, inQuery   bool
	head            bool
}

// part is a field of a form in parts.
type part struct{ name, value string }

// otherBare are options without a value that do not change what a site gets, as letters
// and names; otherValue are those with a value.
var (
	otherBare = "#012346aBfgijJklLMnNOpqRsSvVZ"
	bareNames = "anyauth append basic compressed compressed-ssh create-dirs crlf digest disable disable-eprt disable-epsv fail fail-early fail-with-body false-start ftp-create-dirs globoff haproxy-protocol http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include insecure ipv4 ipv6 junk-session-cookies list-only location location-trusted negotiate netrc netrc-optional no-alpn no-buffer no-keepalive no-progress-meter no-sessionid ntlm ntlm-wb parallel parallel-immediate path-as-is post301 post302 post303 progress-bar proxy-insecure proxytunnel raw remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors retry-connrefused show-error show-headers silent skip-existing socks5-basic ssl ssl-allow-beast ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers tcp-fastopen tcp-nodelay tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids trace-time use-ascii verbose xattr"

	otherValue = "cCDEhmoPQStuUwxyYz"
	valueNames = "abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers connect-timeout connect-to continue-at cookie-jar create-file-mode crlfile curves data-dns delegation dns-interface dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save expect100-timeout ftp-account ftp-method ftp-port happy-eyeballs-timeout-ms help hostpubmd5 hsts interface ip-tos ipfs-gateway keepalive-cnt keepalive-time key key-type keylog krb libcurl limit-rate local-port login-options max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-header proxy-user proxy1.0 quote random-file rate request-target resolve retry retry-delay retry-max-time sasl-authzid service-name socks4 socks4a socks5 socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlspassword tlsuser trace trace-ascii trace-config unix-socket user variable vlan-priority write-out"
)

func (c *curl) addAddress(v string) error {
	if c.address != "" {
		return fmt.Errorf("there are two addresses, %q and %q; put quotes around an address, and try each request alone", c.address, v)
	}
	if !strings.Contains(v, "://") {
		v = "http://" + v // as curl guesses
	}
	c.address = v
	return nil
}

func (c *curl) addHeader(v string) error {
	name, value, ok := strings.Cut(v, ":")
	switch {
	case strings.HasPrefix(v, "@"):
		return errors.New("-H @ names a file, which is not read; write the headers out")
	case ok && strings.TrimSpace(value) == "":
		c.removed = append(c.removed, strings.TrimSpace(name))
	case ok && name != "":
		c.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	case strings.HasSuffix(v, ";") && len(v) > 1:
		c.header.Add(strings.TrimSuffix(v, ";"), "")
	case !ok:
		return fmt.Errorf("-H %q is no header: write Name: value", v)
	}
	return nil
}

func (c *curl) addData(v string) error {
	if strings.HasPrefix(v, "@") {
		return fmt.Errorf("the data %q name a file, which is not read; write its text out with --data-raw", v)
	}
	c.data = append(c.data, v)
	return nil
}

// addEncoded is --data-urlencode: a text, =text or name=text.
func (c *curl) addEncoded(v string) error {
	name, text, ok := strings.Cut(v, "=")
	switch {
	case !ok && strings.Contains(v, "@"):
		return fmt.Errorf("--data-urlencode %q names a file, which is not read; write its text out", v)
	case !ok:
		v = url.QueryEscape(v)
	case name == "":
		v = url.QueryEscape(text)
	default:
		v = name + "=" + url.QueryEscape(text)
	}
	c.data = append(c.data, v)
	return nil
}

// addPart is -F: name=text, perhaps with ;type= and the like. A file has no value that a
// rule can read, so what it is called does not matter.
func (c *curl) addPart(v string) error {
	name, value, ok := strings.Cut(v, "=")
	switch {
	case !ok || name == "":
		return fmt.Errorf("-F %q is no field: write name=value", v)
	case strings.HasPrefix(value, "@"):
		return c.addPlainPart(v[:0] + name + "=")
	case strings.HasPrefix(value, "<"):
		return fmt.Errorf("-F %q names a file, which is not read; write its text out", v)
	case strings.HasPrefix(value, `"`):
		value = quotedPart(value[1:])
	default:
		value, _, _ = strings.Cut(value, ";")
	}
	c.parts = append(c.parts, part{name, value})
	return nil
}

// quotedPart reads a value in double quotes, in which \ stands before \ and ".
func quotedPart(text string) string {
	var b strings.Builder
	for i := 0; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func (c *curl) addPlainPart(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" {
		return fmt.Errorf("--form-string %q is no field: write name=value", v)
	}
	c.parts = append(c.parts, part{name, value})
	return nil
}

func (c *curl) addCookie(v string) error {
	switch {
	case v == "": // only switches curl's cookies on
	case !strings.Contains(v, "="):
		return fmt.Errorf("-b %q names a file, which is not read; write the cookies out as name=value", v)
	default:
		c.cookies = append(c.cookies, v)
	}
	return nil
}

// finish puts what the command says into an example.
func (c *curl) finish(e *rule.Example) error {
	body, contentType := strings.Join(c.data, "&"), "application/x-www-form-urlencoded"
	switch {
	case len(c.parts) > 0 && len(c.data) > 0:
		return errors.New("-F and -d exclude each other: a request has one body")
	case c.json:
		body, contentType = strings.Join(c.data, ""), "application/json"
		if c.header.Get("Accept") == "" {
			c.header.Set("Accept", contentType)
		}
	case c.inQuery && body != "":
		base, fragment, _ := strings.Cut(c.address, "#")
		mark := "?"
		if strings.Contains(base, "?") {
			mark = "&"
		}
		c.address, body = base+mark+body, ""
		if fragment != "" {
			c.address += "#" + fragment
		}
	case len(c.parts) > 0:
		body, contentType = encodeParts(c.parts)
	}
	if err := e.SetURL(c.address); err != nil {
		return err
	}
	e.Method = c.methodFor(body != "" || len(c.data) > 0 && !c.inQuery)
	e.Header = c.header
	if len(c.cookies) > 0 {
		e.Header.Add("Cookie", strings.Join(c.cookies, "; "))
	}
	if host := e.Header.Get("Host"); host != "" {
		e.Host = host
		e.Header.Del("Host")
	}
	if said := e.Header.Get("Content-Type"); said != "" && len(c.parts) == 0 {
		contentType = said
	}
	if len(c.parts) > 0 {
		e.Header.Set("Content-Type", contentType)
	}
	setBody(e, contentType, body)
	for _, name := range c.removed {
		e.Header.Del(name)
	}
	return nil
}

// methodFor is the method that curl uses.
func (c *curl) methodFor(hasBody bool) string {
	switch {
	case c.method != "":
		return c.method
	case c.head:
		return http.MethodHead
	case hasBody:
		return http.MethodPost
	}
	return http.MethodGet
}

func encodeParts(parts []part) (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		_ = w.WriteField(p.name, p.value) // a buffer takes all
	}
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}
