package rule

import "testing"

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
