package goaltrack

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCookieValueByPairs holds it against a reader that takes the header apart pair by
// pair, on headers made of all that can be mistaken for something else.
func TestCookieValueByPairs(t *testing.T) {
	pieces := []string{"ab", "a", "b", "=", ";", " ", "\t", "ab=1", "ab=2", ";ab=", "; ", "x"}
	random := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 20_000 {
		h := http.Header{}
		for range 1 + random.IntN(2) {
			var line strings.Builder
			for range random.IntN(9) {
				line.WriteString(pieces[random.IntN(len(pieces))])
			}
			h.Add("Cookie", line.String())
		}
		var want, got []string
		for _, line := range h["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if k, v, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "="); ok && k == "ab" {
					want = append(want, v)
				}
			}
		}
		cookieValue(h, "ab", func(v string) bool { got = append(got, v); return false })
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", h["Cookie"], got, want)
		}
		if found += len(want); len(want) > 0 && (cookieValue(h, "ab", nil) != want[0] || !hasCookie(h, "ab")) {
			t.Fatalf("%q: the first is not %q", h["Cookie"], want[0])
		}
	}
	if found < 5_000 {
		t.Errorf("only %d cookies in all", found)
	}
}

func TestSecretWord(t *testing.T) {
	for _, secret := range []string{
		"password", "Password", "user_password", "userPassword", "passwordRepeat", "user-pwd", "new.passwd", "passwort", "benutzerpasswort",
		"pin", "user_pin", "cardPin", "PIN", "PINCode", "pin2", "cvv", "card[cvc]", "cardNumber", "card_number", "creditcard", "credit-card",
		"api_key", "apiKey", "X-API-Key", "APIKEY", "token", "csrf_token", "CSRFToken", "csrfmiddlewaretoken_csrf", "accesstoken", "XMLToken",
		"session_id", "PHPSESSIONID", "iban", "JWT", "otp", "__Host-csrf", "x-secret", "ssn",
	} {
		if secretWord(secret) == "" {
			t.Errorf("%q is not taken for a secret", secret)
		}
	}
	for _, plain := range []string{
		"shipping", "spinner", "opinion", "pinterest", "email", "topic", "cardinal", "discard", "account", "tokenize", "secretary",
		"ssnail", "ibanez", "description", "", "[]", "ünïcödé", "日本", "accept", "compass", "hotpot",
	} {
		if w := secretWord(plain); w != "" {
			t.Errorf("%q is taken for a secret: %s", plain, w)
		}
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"":            nil,
		"userPin":     {"user", "pin"},
		"user_pin2":   {"user", "pin"},
		"PINCode":     {"pin", "code"},
		"XMLHttpID":   {"xml", "http", "id"},
		"a.b[c]-d":    {"a", "b", "c", "d"},
		"ÄpfelKüche":  {"äpfel", "küche"},
		"123":         nil,
		"\xffa\xffB":  {"a", "b"},
		"__Host-Csrf": {"host", "csrf"},
	} {
		if got := words(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestParseSource(t *testing.T) {
	for text, want := range map[string]source{
		"":                         {},
		"plain":                    {text: "plain"},
		"a $form.b":                {text: "a $form.b"},
		"$$5":                      {text: "$5"},
		"$$":                       {text: "$"},
		"$$$x":                     {text: "$$x"},
		"$form.topic":              {kind: sourceForm, name: "topic"},
		"$form.a.b":                {kind: sourceForm, name: "a.b"},
		"$form.items[0]":           {kind: sourceForm, name: "items[0]"},
		"$query.q":                 {kind: sourceQuery, name: "q"},
		"$path.id":                 {kind: sourcePath, name: "id"},
		"$redirect.id":             {kind: sourceRedirect, name: "id"},
		"$cookie.seg":              {kind: sourceCookie, name: "seg"},
		"$app.total":               {kind: sourceApp, name: "total"},
		"$app.password":            {kind: sourceApp, name: "password"},
		"$header.accept-language":  {kind: sourceHeader, name: "Accept-Language"},
		"$response.header.x-order": {kind: sourceResponseHeader, name: "X-Order"},
		"$response.header.X-A.b":   {kind: sourceResponseHeader, name: "X-A.b"},
	} {
		if got, err := parseSource(text); err != nil || got != want {
			t.Errorf("%q: %+v (%v), want %+v", text, got, err, want)
		}
	}
}

func TestCookieValue(t *testing.T) {
	h := http.Header{"Cookie": {"a=1; b=2;c=3 ; d", "b=4; e=\"x=y\"; =z; f="}}
	for name, want := range map[string]string{"a": "1", "b": "2", "c": "3 ", "d": "", "e": `"x=y"`, "f": "", "g": "", "": "", "A": ""} {
		if got := cookieValue(h, name, nil); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := cookieValue(h, "b", func(v string) bool { return v == "4" }); got != "4" {
		t.Errorf("the second b: %q", got)
	}
	if allocs := testing.AllocsPerRun(100, func() { cookieValue(h, "e", nil) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
