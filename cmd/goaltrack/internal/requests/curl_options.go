package requests

import (
	"errors"
	"fmt"
	"strings"
)

// option is an option of curl that says something about the request.
type option struct {
	short byte // 0 if there is none
	long  string
	bare  bool // it has no value
	apply func(c *curl, value string) error
}

// options are these. Their meaning is that of curl's manual
// (https://curl.se/docs/manpage.html).
var options = []option{
	{'X', "request", false, func(c *curl, v string) error { c.method = v; return nil }},
	{'H', "header", false, (*curl).addHeader},
	{'d', "data", false, (*curl).addData},
	{0, "data-ascii", false, (*curl).addData},
	{0, "data-binary", false, (*curl).addData},
	{0, "data-raw", false, func(c *curl, v string) error { c.data = append(c.data, v); return nil }},
	{0, "data-urlencode", false, (*curl).addEncoded},
	{0, "json", false, func(c *curl, v string) error { c.json = true; return c.addData(v) }},
	{'F', "form", false, (*curl).addPart},
	{0, "form-string", false, (*curl).addPlainPart},
	{'b', "cookie", false, (*curl).addCookie},
	{'A', "user-agent", false, func(c *curl, v string) error { c.header.Set("User-Agent", v); return nil }},
	{'e', "referer", false, func(c *curl, v string) error { c.header.Set("Referer", strings.TrimSuffix(v, ";auto")); return nil }},
	{'r', "range", false, func(c *curl, v string) error { c.header.Set("Range", "bytes="+v); return nil }},
	{'G', "get", true, func(c *curl, _ string) error { c.inQuery = true; return nil }},
	{'I', "head", true, func(c *curl, _ string) error { c.head = true; return nil }},
	{0, "url", false, (*curl).addAddress},
	{'T', "upload-file", false, func(*curl, string) error { return errors.New("-T sends a file, which is no form; leave it out") }},
	{'K', "config", false, func(*curl, string) error {
		return errors.New("-K names a file, which is not read; write its options out")
	}},
	{':', "next", true, func(*curl, string) error { return errors.New("--next begins a second request; try each command alone") }},
}

// read takes the words of a command.
func (c *curl) read(words []string) error {
	for i := 0; i < len(words); i++ {
		word := words[i]
		value := func() (string, error) {
			if i++; i >= len(words) {
				return "", fmt.Errorf("%s needs a value", word)
			}
			return words[i], nil
		}
		var err error
		switch {
		case strings.HasPrefix(word, "--") && len(word) > 2:
			err = c.long(word[2:], value)
		case strings.HasPrefix(word, "-") && len(word) > 1:
			err = c.short(word[1:], value)
		default:
			err = c.addAddress(word)
		}
		if err != nil {
			return err
		}
	}
	if c.address == "" {
		return errors.New("there is no address")
	}
	return nil
}

// long takes an option such as --data-raw.
func (c *curl) long(name string, value func() (string, error)) error {
	has := func(names string) bool { return strings.Contains(" "+names+" ", " "+name+" ") }
	for _, o := range options {
		switch {
		case o.long != name:
		case o.bare:
			return o.apply(c, "")
		default:
			v, err := value()
			if err != nil {
				return err
			}
			return o.apply(c, v)
		}
	}
	switch {
	case has(bareNames), strings.HasPrefix(name, "no-"):
		return nil
	case has(valueNames), strings.HasPrefix(name, "proxy-"):
		_, err := value()
		return err
	}
	return fmt.Errorf("the option --%.60s is not known here; leave it out if it does not change what is sent", name)
}

// short takes options such as -sSLX, of which the last may have its value in the word.
func (c *curl) short(letters string, value func() (string, error)) error {
	for i := range len(letters) {
		letter := letters[i]
		rest := func() (string, error) {
			if v := letters[i+1:]; v != "" {
				return strings.TrimPrefix(v, "="), nil
			}
			return value()
		}
		o := shortOption(letter)
		switch {
		case o != nil && o.bare:
			if err := o.apply(c, ""); err != nil {
				return err
			}
		case o != nil:
			v, err := rest()
			if err != nil {
				return err
			}
			return o.apply(c, v)
		case strings.IndexByte(otherBare, letter) >= 0:
		case strings.IndexByte(otherValue, letter) >= 0:
			_, err := rest()
			return err
		default:
			return fmt.Errorf("the option -%q is not known here; leave it out if it does not change what is sent", letter)
		}
	}
	return nil
}

func shortOption(letter byte) *option {
	for i := range options {
		if options[i].short == letter && letter != 0 {
			return &options[i]
		}
	}
	return nil
}
