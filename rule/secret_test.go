package rule

import (
	"strings"
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

// TestSecretsOfTenLanguages: what people call a password, a PIN, a card, a bank account
// and the number by which a state knows somebody. It does not matter how the words are
// joined, or whether the letters have their marks.
func TestSecretsOfTenLanguages(t *testing.T) {
	for language, names := range map[string]string{
		"English":    "passcode security_code securityCode SecurityCode ccNumber credit-card-number bank_account_number socialSecurityNumber national_insurance passport_number otp_code",
		"German":     "kennwort Kennwort benutzer_kennwort Prüfziffer pruefziffer kreditkarte kreditkartenNummer sozialversicherungsnummer Steuer-ID kontonummer bankverbindung ausweisNr geheimzahl sicherheitscode",
		"French":     "mot_de_passe motDePasse MOT-DE-PASSE motdepasse nouveauMotDePasse numero_de_carte numéroDeCarte carte_bancaire code_pin codeDeSécurité numéro-de-sécurité-sociale numero_compte",
		"Spanish":    "contraseña contrasena nueva_contraseña contrasen\u0303a clave_de_acceso tarjeta_de_credito númeroTarjeta código_de_seguridad seguridad_social DNI cuentaBancaria",
		"Italian":    "parola_d_ordine codice_fiscale codiceFiscale carta_di_credito numeroCarta codice_pin codice_di_sicurezza contoCorrente",
		"Portuguese": "senha nova_senha palavra-passe cartão_de_crédito numeroDoCartao código_de_segurança conta_bancária cpf",
		"Dutch":      "wachtwoord nieuwWachtwoord creditcardnummer kaart_nummer bsn burgerServiceNummer rekeningnummer beveiligingscode",
		"Polish":     "hasło haslo noweHasło numer_karty kartaKredytowa PESEL numer_konta kod_bezpieczeństwa",
		"Swedish":    "lösenord losenord nytt_lösenord kortnummer säkerhetskod personnummer bankkonto",
		"Danish":     "adgangskode kodeord kreditkort sikkerhedskode cprNummer kontonummer",
		"Norwegian":  "passord kredittkort fødselsnummer sikkerhetskode",
		"others":     "salasana henkilötunnus heslo číslo_karty rodné_číslo şifre tc_kimlik_no пароль 密码 パスワード",
	} {
		for name := range strings.FieldsSeq(names) {
			if secretWord(name) == "" {
				t.Errorf("%s: %q is not taken for a secret", language, name)
			}
		}
	}
}

// TestNoSecretByMistake: words that have those of secrets in them, or that are such
// words only beside others.
func TestNoSecretByMistake(t *testing.T) {
	for name := range strings.FieldsSeq(`shipping shippingMethod shipping_address spinning opinion_text pinterestUrl mapping Pinnwand pinot
		topic subject message nachricht betreff anrede vorname nachname strasse straße plz postleitzahl ort land telefon firma geburtsdatum
		code promo_code promoCode couponCode gutscheincode code_postal codigo_postal codicePostale postcode country_code area_code
		boarding_pass season_pass passengers passagiere passend bypass compass compassWord passat pass_type password_less_no
		palabra_clave parola_chiave clave_prod liczba_dni nie_wiem carta mapa karte landkarte kartenansicht visitenkarten kundenkarten
		accounting account_type customer_account secretariat token_ring_no sign signature_page significance cause session_topic author authors
		keyboard key keyword keywords monkey turkey hockey number numero nummer order_number order_id customer_id vat_number ust_id
		tannen titan sinus sinopsis ribbon caribbean nissan cassette issn_no isbn pineapple pink pinie alpin cvs cv cover discount
		hasloch lossen contraste contrast motd moto depart passe passion paso losing kort korting carta_menu numerosity
		identity_theme rest assessment possession essid sidebar inside president considered`) {
		switch name {
		case "password_less_no", "token_ring_no": // these are taken for one, and allow: is for them
			continue
		}
		s := source{kind: sourceForm, name: name}
		if w := s.secretWord(); w != "" {
			t.Errorf("%q is taken for a secret: %s", name, w)
		}
	}
}

// TestCookiesByList: of cookies, rules see those that the file lists. What lets somebody
// in is refused even then, and our own always.
func TestCookiesByList(t *testing.T) {
	load := func(top, cookie string) error {
		_, err := Parse([]byte(top + "goals:\n  - goal: SEEN\n    visit: /\n    data: { a: $cookie." + cookie + " }\n"))
		return err
	}
	for name := range strings.FieldsSeq(`PHPSESSID session connect.sid sid sess laravel_session _myapp_session .AspNetCore.Cookies
		wordpress_logged_in_abc __Host-sid auth remember_me CFID CFTOKEN JSESSIONID ASP.NET_SessionId .ASPXAUTH access_token`) {
		for _, top := range []string{"", "cookies: [" + name + "]\n"} {
			if err := load(top, name); err == nil || !strings.Contains(err.Error(), `"`+name+`" looks like a secret`) {
				t.Errorf("%q, %s: %v", top, name, err)
			}
		}
		if err := load("cookies: ["+name+"]\nallow: ["+name+"]\n", name); err != nil {
			t.Errorf("overruled: %v", err)
		}
	}
	for name := range strings.FieldsSeq("gt_12345678 gt_optout GT_optout bid_key BID_key sc_cid sc_rid sc_ctx-1234 sc_mode website#sc_mode") {
		if err := load("cookies: ['"+name+"']\nallow: ['"+name+"']\n", name); err == nil || !strings.Contains(err.Error(), "own and is never read") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for top, want := range map[string]string{
		"":                          "4:16: goal SEEN: the cookie theme is not among those that rules may read (write at the top of the file: cookies: [theme])",
		"cookies: [lang, themes]\n": "5:16: goal SEEN: the cookie theme is not among those that rules may read (did you mean themes? Else write at the top of the file: cookies: [lang, themes, theme])",
		"cookies: []\n":             "5:16: goal SEEN: the cookie theme is not among those that rules may read (write at the top of the file: cookies: [theme])",
		"cookies: [theme]\n":        "",
		"cookies: theme\n":          "",
	} {
		err := load(top, "theme")
		if got := ""; err != nil && err.Error() != want || err == nil && want != got {
			t.Errorf("%q: %v, want %s", top, err, want)
		}
	}
}

// TestCookiesOfGoalsInGo: who writes goals in Go lists them there.
func TestCookiesOfGoalsInGo(t *testing.T) {
	g := Goal{Name: "SEEN", Visit: "/", If: Conditions{"cookie.theme": "dark"}, Data: map[string]any{"area": "$query.pin_code"}}
	if _, err := New(g); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
	g.Cookies, g.Allow = []string{"theme"}, []string{"PIN_code"}
	s, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, allowed := s.Notes(""); strings.Join(allowed, " ") != "pin_code" {
		t.Errorf("allowed %v", allowed)
	}
}

// TestPermitsAreNeeded: a name that no rule needs is said.
func TestPermitsAreNeeded(t *testing.T) {
	s, err := Parse([]byte("version: 1\ncookies: [theme, lang]\nallow: [pin_code, city, 'PIN']\ngoals:\n  - { goal: SEEN, visit: /, if: { cookie.theme: present, query.pin: present } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range s.Warnings() {
		got = append(got, w.String())
	}
	want := "2:18: no goal reads the cookie lang (leave it out)|3:9: allow: pin_code overrules nothing (leave it out, or look at how the rules write the name)|3:19: allow: city overrules nothing (leave it out, or look at how the rules write the name)"
	if _, allowed := s.Notes(""); strings.Join(got, "|") != want || strings.Join(allowed, " ") != "pin" {
		t.Errorf("%s, allowed %v", strings.Join(got, "|"), allowed)
	}
}

// FuzzSecretWord: no name takes long or breaks it.
func FuzzSecretWord(f *testing.F) {
	for _, s := range []string{"userPassword", "mot_de_passe", "contrasen\u0303a", "\xff", strings.Repeat("aB", 100), "ẞß"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if w := secretWord(name); w != "" && secretWord("x_"+name) == "" && !secretNames[w] {
			t.Errorf("%q is a secret (%s), and behind another word it is none", name, w)
		}
	})
}
