// Package requests reads requests as people have them at hand. These are lines such as the
// examples of a rule file, addresses, the curl command that a browser copies, and the HAR
// file that it saves. It makes examples of them, which rules can be tried on.
//
// What it reads may come from anywhere, so all of it is bounded, and no file is opened and
// no command run that a request names.
package requests

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/rule"
)

// Request is one request with its answer.
type Request struct {
	// Line is the request as it is shown to people, in one line.
	Line string
	// Example is what the rules are tried on. It does not say when it happens.
	Example rule.Example
	// Unseen says why no goal can count: the site did not get the request, or did not
	// answer it. It is "" if it did.
	Unseen string
	// After is how long after the first request of a recording this one was sent, 0 if
	// that is not known.
	After time.Duration
}

// maxText bounds what is read of a file with requests that is no HAR file.
const maxText = 4 << 20

// maxRequests bounds how many requests are read at once.
const maxRequests = 20_000

var errTooMany = fmt.Errorf("there are more than %d requests", maxRequests)

// Parse reads one request: an example, an address or a curl command.
func Parse(text string) (Request, error) {
	if isCurl(text) {
		return parseCurl(text)
	}
	if err := otherTool(text); err != nil {
		return Request{Line: text}, err
	}
	e, err := rule.ParseExample(text)
	return Request{Line: text, Example: e}, err
}

// otherTools are what browsers copy beside curl commands, and other programs that fetch, by
// what such a command has in it.
var otherTools = []struct{ name, word string }{
	{"PowerShell", "Invoke-WebRequest"}, {"PowerShell", "Invoke-RestMethod"}, {"JavaScript", "fetch("}, {"a wget command", "wget "}, {"an HTTPie command", "http "}, {"an HTTPie command", "https "},
}

// otherTool is an error for a command of another program than curl, and for an address
// without its scheme.
func otherTool(text string) error {
	start := strings.TrimSpace(text)
	for _, tool := range otherTools {
		begins := strings.HasPrefix(start, tool.word) || strings.HasPrefix(start, "await "+tool.word)
		if begins || tool.name == "PowerShell" && start != "" && start[0] == '$' && strings.Contains(start, tool.word) {
			return fmt.Errorf("this is %s, which is not read: in the browser's menu choose \"Copy as cURL\", or write GET and the address", tool.name)
		}
	}
	host, _, slash := strings.Cut(start, "/")
	if slash && strings.Contains(host, ".") && !strings.ContainsAny(start, " \t\r\n") && !strings.ContainsAny(host, ":@") {
		return fmt.Errorf("%q is no address without its beginning: write https://%s", start, start)
	}
	return nil
}

// ReadAll reads requests from a file: HAR, or one of what [Parse] reads in each line. A
// curl command may go on in the next lines, as a browser copies it. Blank lines, and those
// that begin with #, are left out. All faults are returned.
func ReadAll(r io.Reader) ([]Request, error) {
	in := bufio.NewReader(transform.NewReader(r, unicode.BOMOverride(transform.Nop))) // PowerShell writes UTF-16
	if isHAR(in) {
		return readHAR(in)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxText:
		return nil, fmt.Errorf("the file is larger than %d MiB and no HAR file", maxText>>20)
	}
	var list []Request
	var faults []error
	for _, one := range split(string(text)) {
		request, err := Parse(one)
		list, faults = append(list, request), append(faults, err)
		if len(list) > maxRequests {
			return nil, errTooMany
		}
	}
	if len(list) == 0 {
		faults = append(faults, errors.New("there is no request in it"))
	}
	return list, errors.Join(faults...)
}

// split cuts a text into requests.
func split(text string) (list []string) {
	for text != "" {
		if rest := strings.TrimLeft(text, " \t\r\n"); isCurl(rest) {
			n := curlEnd(rest)
			list, text = append(list, rest[:n]), rest[n:]
			continue
		}
		line, rest, _ := strings.Cut(text, "\n")
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
		text = rest
	}
	return list
}

// setBody gives an example a body of some type: a form, or a text that may be JSON.
func setBody(e *rule.Example, contentType, text string) {
	if text == "" {
		return
	}
	if e.Header.Get("Content-Type") == "" {
		e.Header.Set("Content-Type", contentType)
	}
	switch scan.KindOf(contentType) {
	case scan.KindURLEncoded:
		e.Form, _ = url.ParseQuery(text) // which skips what is no pair, as a site does
	case scan.KindMultipart:
		e.Form = partsOf(contentType, text)
	case scan.KindNone, scan.KindJSON, scan.KindText:
		e.JSON = text
	}
}

// maxParts bounds the parts of a form that are read.
const maxParts = 1000

// partsOf reads the fields of a form in parts. Files are no fields.
func partsOf(contentType, text string) url.Values {
	form := url.Values{}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return form
	}
	parts := multipart.NewReader(strings.NewReader(text), params["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		if part.FormName() == "" || part.FileName() != "" {
			continue
		}
		if value, err := io.ReadAll(part); err == nil {
			form.Add(part.FormName(), string(value))
		}
	}
	return form
}
