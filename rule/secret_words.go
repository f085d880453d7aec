package rule

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A name that says it is a secret is found by its words. They are English, German, French,
// Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Danish and Norwegian, and a few of
// other languages. Marks on letters do not matter, nor how words are joined:
// "motDePasse", "mot_de_passe" and "motdepasse" are one. They are whole words, so that
// "pin" is found in user_pin and cardPin, not in shipping.

// secretWords are such words, and several that are one name, written together.
var secretWords = setOf(`
	password passwords passwd passwort passwoerter pwd pswd passphrase passcode passwordhash secret secrets token csrf xsrf jwt
	otp totp mtan smstan pushtan onetimepassword onetimecode onetimepasscode verificationcode authcode authorizationcode authenticationcode
	recoverycode backupcode smscode securityanswer secretanswer secretquestion mfacode twofactorcode samlresponse
	apikey accesskey secretkey privatekey clientsecret sessionid sessid phpsessid jsessionid userpass loginpass userpw
	kennwort losungswort geheimwort geheimzahl geheimnummer einmalpasswort einmalcode bestaetigungscode sicherheitsantwort sicherheitsfrage
	motdepasse motpasse mdp codesecret codeconfidentiel reponsesecrete questionsecrete codeusageunique
	contrasena contrasenia palabradepaso clavedeacceso claveacceso clavesecreta claveusuario respuestasecreta preguntasecreta
	parolachiaveaccesso paroladordine passwordutente codicesegreto rispostasegreta domandasegreta
	senha palavrapasse palavradepasse codigosecreto respostasecreta
	wachtwoord geheimecode beveiligingsvraag
	haslo hasla tajnehaslo
	losenord adgangskode kodeord passord salasana heslo sifre parolasi jelszo
	pin pincode pinnumber pinnummer codepin codicepin codigopin pinkod pinkode pinkoodi pinkode

	cvv cvc cvn csc cardcode cardverification securitycode sicherheitscode kartenpruefnummer kartenprufnummer kartenpruefziffer
	kartenprufziffer pruefziffer prufziffer cryptogramme codedesecurite codesecurite codigodeseguridad codigoseguridad codicedisicurezza
	codicesicurezza codigodeseguranca codigoseguranca beveiligingscode kodbezpieczenstwa sakerhetskod sikkerhedskode sikkerhetskode turvakoodi
	cc card cardnumber cardno creditcard creditcardnumber debitcard debitcardnumber ccnumber ccnum ccno
	kreditkarte kreditkartennummer kreditkartennr kartennummer kartennr debitkarte bankkarte girokarte
	cartebancaire cartebleue cartecredit cartedecredit cartedebit cartededebit numerocarte numerodecarte numerodecartebancaire numcarte
	tarjetacredito tarjetadecredito tarjetadebito tarjetadedebito numerotarjeta numerodetarjeta numtarjeta
	cartacredito cartadicredito cartadidebito numerocarta numerodicarta numerocartadicredito
	cartaocredito cartaodecredito cartaodebito cartaodedebito numerocartao numerodocartao
	kredietkaart creditkaart betaalkaart bankpas kaartnummer creditcardnummer
	kartakredytowa kartakredytowej kartyplatniczej numerkarty
	kreditkort kredittkort kontokort betalkort betalingskort kortnummer luottokortti kreditnikarta cislokarty

	iban ibannumber bankaccount bankaccountnumber routingnumber sortcode bankdetails
	kontonummer kontonr bankkonto bankverbindung bankkontonummer comptebancaire numerocompte numerodecompte numerodecomptebancaire
	cuentabancaria numerocuenta numerodecuenta contobancario contocorrente numeroconto numerodiconto contabancaria contacorrente
	numerodaconta bankrekening rekeningnummer bankrekeningnummer kontobankowe numerkonta numerrachunku rachunekbankowy bankkontonr tilinumero cislouctu

	ssn socialsecurity socialsecuritynumber socialsecurityno nationalid nationalidnumber nationalinsurance nationalinsurancenumber
	taxpayerid passportnumber passportno driverslicense driverslicensenumber driverlicense identitycardnumber
	sozialversicherung sozialversicherungsnummer sozialversicherungsnr sozialversicherungnummer svnr svnummer rentenversicherungsnummer
	krankenversichertennummer versichertennummer steuerid steueridentifikationsnummer steueridnr ahvnummer ahvnr ausweisnummer ausweisnr
	personalausweis personalausweisnummer reisepassnummer passnummer fuehrerscheinnummer fuhrerscheinnummer
	securitesociale numerosecuritesociale numerodesecuritesociale numsecu numeropasseport numerodepasseport
	seguridadsocial numeroseguridadsocial numerodeseguridadsocial numeropasaporte numerodepasaporte
	codicefiscale numeropassaporto cpf segurancasocial numerosegurancasocial niss cartaodecidadao numeropassaporte
	bsn burgerservicenummer rijksregisternummer paspoortnummer sofinummer
	pesel numerpesel numerdowodu numerpaszportu
	personnummer personnr cprnummer cprnr fodselsnummer fodselsnr henkilotunnus hetu rodnecislo tckimlik tckimlikno kimlikno
	пароль пинкод 密码 密碼 暗証番号 パスワード 비밀번호 κωδικος
`)

// secretStems are enough of a secret to find it within a word: benutzerpasswort.
var secretStems = strings.Fields(`
	password passwort passwd kennwort motdepasse contrasena wachtwoord losenord adgangskode creditcard cardnumber kreditkarte apikey
	sessionid sessid accesstoken authtoken csrftoken refreshtoken sozialversicherung пароль
`)

// secretNames are secrets only if the whole name is one of them. For "pass" is also half of
// a boarding pass, "clave" of a keyword in Spanish, and "dni" are days in Polish.
var secretNames = setOf("pass pw psw psswd clave parola passport reisepass passeport pasaporte passaporto passaporte paspoort rib tarjeta dni nif nie nss cpr itin nino")

// querySecrets are parameters of addresses by which somebody is let in, whole names all
// of them: the code of OAuth, a signature, the number of a session.
var querySecrets = setOf("code sig signature hmac auth sid sess")

// cookieSecrets are words of cookies that let somebody in.
var cookieSecrets = setOf("sid sess session sessions auth aspxauth login loggedin remember rememberme cfid cftoken aspnetcore identity sso saml oauth")

func setOf(list string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(plainLetters(list)) {
		set[word] = true
	}
	return set
}

// maxSecretWords is how many words in a row are looked at as one name.
const maxSecretWords = 5

// secretWord returns the word of name that says it is a secret, or "".
func secretWord(name string) string {
	list := words(plainLetters(name))
	if whole := strings.Join(list, ""); secretNames[whole] {
		return whole
	}
	for _, w := range list {
		if i := slices.IndexFunc(secretStems, func(stem string) bool { return strings.Contains(w, stem) }); i >= 0 {
			return secretStems[i]
		}
	}
	return oneOf(secretWords, list)
}

// oneOf is the first of the words, or of several in a row written as one, that is in
// the set, or "".
func oneOf(set map[string]bool, list []string) string {
	for i := range list {
		for n := 1; n <= min(maxSecretWords, len(list)-i); n++ {
			if joined := strings.Join(list[i:i+n], ""); set[joined] {
				return joined
			}
		}
	}
	return ""
}

// otherLetters are those that have no form without a mark.
var otherLetters = strings.NewReplacer("ß", "ss", "ẞ", "SS", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ı", "i")

// plainLetters writes letters without marks: ñ and é become n and e.
func plainLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(otherLetters.Replace(s)))
}
