package rule

import (
	"slices"
	"testing"
)

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
