package rule

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// Systems name the pages of refused forms alike: /accounts/login/ (Django),
// /users/sign_in (Devise), /wp-login.php (WordPress), /Identity/Account/Login
// (ASP.NET Core), /cdn-cgi/challenge-platform (Cloudflare), /500.html. Those
// words are known here, in whole segments of a path: /blog-in-berlin and
// /authors have none.

type wordKind uint8

const (
	wordOther wordKind = iota
	// wordLogin and wordError refuse a form in any segment.
	wordLogin
	wordError
	// wordWeak does so unless the form is within that segment itself: what is
	// accepted at /auth/register may lead to /auth/account, and the form of a
	// /challenge to /challenge/day-1.
	wordWeak
	wordFiller // says nothing, beside others
	wordDone   // accepted
	wordNot
)

// wordKinds are words in lower case, also those that are often written as two:
// log-in, sign_in, notFound.
var wordKinds = kindsOf(map[wordKind]string{
	wordLogin: `login logon logins signin signon relogin loginpage loginform loginuserpass loginerror loginfailed loginrequired sso reauthenticate
		logout logoff signout signoff loggedout signedout
		einloggen inloggen loggain loggin logginn logind logpaa logpå seconnecter connexion iniciarsesion iniciarsesión iniciosesion iniciosesión iniciodesesion iniciodesesión iniciarsessao iniciarsessão
		connectezvous identifiezvous identificarse
		zaloguj logowanie přihlášení prihlaseni accedi bejelentkezés bejelentkezes autentificare kirjaudu giriş giris войти вход авторизация ログイン 登录 登入 登錄 로그인`,
	wordError: `error errors err errorpage fail failed failure fails notfound pagenotfound denied accessdenied unauthorized unauthorised
		forbidden unavailable badrequest servererror authfailed exception declined rejected unsuccessful expired sessionexpired timeout sessiontimeout
		cancelled canceled aborted invalid invalidtoken invalidrequest csrf blocked lockout lockedout restricted notallowed noaccess nolayout nolicense tokenmismatch oops sorry
		wentwrong somethingwentwrong ratelimit ratelimited toomanyrequests tryagain pleasetryagain retry resubmit whoops uhoh spam spamdetected banned suspended
		badgateway gatewaytimeout overloaded insufficientpermissions nopermission notauthorized notauthorised unauthenticated locked accountlocked timedout sessiontimedout
		invalidemail invalidform invalidinput invaliddata invalidcode missingfields requiredfields incomplete unsuccess nosuccess
		nocookie nocookies enablecookies cookiesrequired cookiesdisabled antibot accountinactive inactive accountdisabled userdisabled deactivated invalidsession
		throttled slowdown exceeded siteoffline duplicate alreadyregistered alreadysubmitted alreadysubscribed alreadyexists soldout outofstock
		unsupportedbrowser notsupported upgradebrowser geoblocked youarobot youahuman notarobot yourbrowser unusualtraffic suspiciousactivity
		paymentrequired subscriptionrequired membershiprequired ineligible noteligible unverified notverified
		wrong wrongpassword unable pleaseenter pleasefill pleasecheck pleasecorrect pleaseprovide
		couldnotsend couldnotbesent cannotsend cannotbesent unabletosend notdelivered
		fehlermeldung fehlercode keinerfolg derreur messagederreur foutmelding foutpagina fejl fejlmeddelelse feil feilmelding hiba eroare hata lỗi エラー 错误 錯誤 오류 خطأ שגיאה
		refusé refusée rechazado rechazada negato rifiutato mislukt geweigerd odrzucono odrzucona nekad avvist afvist
		virhe feil chyba błąd fallo échec echec fehlgeschlagen abgebrochen
		fehler fehlerseite abgelehnt nichtgefunden seitenichtgefunden zugriffverweigert erreur introuvable pageintrouvable accesrefuse errore erro fout
		noencontrado paginanoencontrada ошибка`,
	wordWeak: `auth authenticate authentication authenticator authorize authorise authorization authorisation oauth openid oidc saml adfs
		challenge captcha recaptcha hcaptcha turnstile mfa 2fa otp totp twofactor twostep incapsula cdncgi ddosguard botcheck humanverification agegate agecheck ageverification verifyage membersonly
		checkpoint verifyhuman areyouhuman outpostgoauthentikio securitycheck confirmpassword anmelden aanmelden authentification entrar acceder accesso
		robotcheck botdetected waitingroom distilrcaptcha shibboleth
		cancel abort maintenance undermaintenance wartung wartungsarbeiten mantenimiento manutenzione onderhoud`,
	wordFiller: `php html htm xhtml shtml phtml aspx asp jsp jspx jsf do action cgi pl py cfm fcc en de fr es it nl
		wp user users member members customer customers account accounts my admin client clients partner dealer staff employee student
		site web portal shop store secure page pages form view screen index default main home new show start step flow actions action check
		redirect callback handler required require please need needs must tocontinue toaccess first again continue or register registration signup
		platform internal server service http status connect provider two factor access verify response resource unexpected with security`,
	wordDone: `thanks thank thankyou success successful successfully confirmation confirmed complete completed done sent submitted received
		danke dankeschön merci gracias grazie bedankt obrigado obrigada tack takk dziekujemy
		bestätigung bestaetigung bestätigt bestaetigt gesendet abgeschickt confirmación conferma bevestiging enviado inviato envoyé envoye`,
	wordNot: `not no non un never nicht niet ikke inte`,
})

func kindsOf(lists map[wordKind]string) map[string]wordKind {
	kinds := make(map[string]wordKind)
	for kind, list := range lists {
		for word := range strings.FieldsSeq(list) {
			kinds[word] = kind
		}
	}
	return kinds
}

// A phrase is a text cut into words: at humps, and at all that is no letter and
// no digit; letters and digits are apart, too. Its words stand in lower case one
// after the other, so that several can be looked up as one.
type phrase struct {
	text []byte
	ends []int // of the words in text
}

// maxWords bounds how much of a text is looked at.
const maxWords = 16

// appendPhrase cuts s. text and ends are room for the result.
func appendPhrase(p phrase, s string) phrase {
	var before rune
	for i, r := range s {
		if len(p.ends) > maxWords {
			break
		}
		letter := unicode.IsLetter(r) || unicode.IsMark(r)
		if !letter && !unicode.IsDigit(r) {
			before = 0
			continue
		}
		begins := before == 0 || unicode.IsDigit(r) != unicode.IsDigit(before) ||
			unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsUpper(before) && lowerFollows(s[i:], r))
		if begins {
			p.ends = append(p.ends, len(p.text))
		}
		p.text = utf8.AppendRune(p.text, unicode.ToLower(r))
		p.ends[len(p.ends)-1] = len(p.text)
		before = r
	}
	return p
}

// lowerFollows reports whether the letter after the first is a small one.
func lowerFollows(s string, first rune) bool {
	for _, r := range s[len(string(first)):] {
		return unicode.IsLower(r)
	}
	return false
}

// word is the words from i to before j, written as one.
func (p *phrase) word(i, j int) []byte {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return p.text[start:p.ends[j-1]]
}

// next is the kind of the word at i, the longest of up to three that are known
// as one, and where the one after it begins.
func (p *phrase) next(i int) (kind wordKind, word []byte, end int) {
	for n := min(3, len(p.ends)-i); n > 0; n-- {
		word = p.word(i, i+n)
		if kind = wordKinds[string(word)]; kind != wordOther {
			return kind, word, i + n
		}
	}
	switch c := word[0]; {
	case len(word) == 1, '0' <= c && c <= '9':
		kind = wordFiller
	case bytes.HasSuffix(word, []byte("login")): // Kundenlogin
		kind = wordLogin
	case bytes.HasSuffix(word, []byte("captcha")): // validateCaptcha, in small letters
		kind = wordWeak
	case isFaultEnd(string(word)): // mailfailed
		kind = wordError
	}
	return kind, word, i + 1
}

// isFaultEnd reports whether a word ends in that of an error: mailfailed, formerror.
func isFaultEnd(word string) bool {
	return strings.HasSuffix(word, "failed") || strings.HasSuffix(word, "error") && word != "terror"
}

// segmentSays tells what one segment says. It is that of a log-in or error page if it
// consists of such words and of fillers. So it is if it ends in one after a single other
// word, as /dealer-login and /contact-error do.
func segmentSays(segment string) (kind wordKind, word string) {
	// As the name of a page has it: /login.faces, /error.seam. /errors.pdf is a file.
	if i := strings.LastIndexByte(segment, '.'); i > 0 && !isFile(segment) && 2 <= len(segment)-i-1 && len(segment)-i-1 <= 6 {
		if kind, word = wordsSay(segment[:i]); kind == wordLogin || kind == wordError {
			return kind, word
		}
	}
	return wordsSay(segment)
}

// wordsSay is segmentSays without regard to the ending of a file.
func wordsSay(segment string) (kind wordKind, word string) {
	var text [64]byte
	var ends [maxWords + 1]int
	p := appendPhrase(phrase{text[:0], ends[:0]}, segment)
	others, not := 0, ""
	var last wordKind // of the words but fillers
	for i := 0; i < len(p.ends); {
		k, w, end := p.next(i)
		switch i = end; k {
		case wordFiller:
			continue
		case wordOther:
			others++
		case wordNot:
			not = string(w)
		case wordDone:
			if not == "" && kind != wordError {
				return wordDone, ""
			}
			k, kind, word = wordError, wordError, not
		default:
			if kind != wordLogin && kind != wordError || k == wordError {
				kind, word = k, string(w)
			}
		}
		last = k
	}
	switch {
	case others == 0, others == 1 && last == kind && kind != wordWeak:
		return kind, word
	}
	return wordOther, ""
}

// refusalWord finds the word by which a path is that of a log-in or error page, and its
// kind, wordOther if there is none. The form is where it was sent to, the page where it
// was.
func refusalWord(path, form, page string) (kind wordKind, word string) {
	shared := max(sharedSegments(path, form), sharedSegments(path, page))
	rest := urlpath.Trim(path)
	for i := 0; rest != ""; i++ {
		var segment string
		segment, rest = urlpath.NextSegment(rest)
		switch k, w := segmentSays(segment); {
		case undone[w] != "" && containsFold(form, undone[w]):
			// a form to cancel leads to /cancelled
		case k == wordDone && rest == "":
			return wordOther, "" // /login/done
		case k == wordError, k == wordLogin && kind != wordError, k == wordWeak && kind == wordOther && (i >= shared || rest == ""):
			kind, word = k, w
		}
		if rest == "" && isStatusPage(path, segment) {
			return wordError, segment
		}
	}
	if kind == wordOther && slices.ContainsFunc(loginEnds, func(end string) bool { return hasSuffixFold(path, end) }) {
		return wordLogin, "session"
	}
	return kind, word
}

// valuesSay finds such a word in what the variables of a template stand for. A number is an
// ID there, and no status.
func valuesSay(values []string, form string) (kind wordKind, word string) {
	for _, v := range values {
		for rest := "/" + strings.TrimPrefix(v, "/"); rest != ""; {
			var segment string
			segment, rest = urlpath.NextSegment(rest)
			switch k, w := segmentSays(segment); {
			case undone[w] != "" && containsFold(form, undone[w]):
			case k == wordDone:
				return wordOther, ""
			case k == wordError, k == wordLogin && kind != wordError:
				kind, word = k, w
			}
		}
	}
	return kind, word
}

// isThanks reports whether the last segment of a path ends in a word of accepted forms:
// /thanks, /order-complete.php.
func isThanks(path string) bool {
	_, segment, _ := cutLast(urlpath.Trim(path))
	var text [64]byte
	var ends [maxWords + 1]int
	p := appendPhrase(phrase{text[:0], ends[:0]}, segment)
	last := wordOther
	for i := 0; i < len(p.ends); {
		kind, _, end := p.next(i)
		switch i = end; kind {
		case wordNot, wordError:
			return false
		case wordFiller:
		default:
			last = kind
		}
	}
	return last == wordDone
}

// undone are words of errors, and what a form is called to which they say that
// it was accepted.
var undone = map[string]string{
	"cancelled": "cancel", "canceled": "cancel", "declined": "decline", "rejected": "reject", "aborted": "abort", "blocked": "block",
	"cancel": "cancel", "decline": "decline", "refuse": "refus", "reject": "reject", "deny": "deny", "abort": "abort", "suspended": "suspend", "locked": "lock", "banned": "ban", "deactivated": "deactivat", "duplicate": "duplicat", "expired": "expir",
}

func containsFold(s, part string) bool { return strings.Contains(strings.ToLower(s), part) }

// loginEnds are the log-in pages of Rails' own generator and of Authlogic, and where the
// gateways of F5, Microsoft, Oracle and Citrix begin to ask who somebody is.
var loginEnds = []string{"/session/new", "/sessions/new", "/user_session/new", "/user_sessions/new", "/my.policy", "/cookieauth.dll", "/obrareq.cgi", "/vpn/index.html"}

func hasSuffixFold(path, end string) bool {
	path = urlpath.Trim(path)
	return len(path) >= len(end) && strings.EqualFold(path[len(path)-len(end):], end)
}

// sharedSegments is how many segments two paths have in common at the beginning.
func sharedSegments(a, b string) (n int) {
	a, b = urlpath.Trim(a), urlpath.Trim(b)
	for a != "" && b != "" {
		var x, y string
		x, a = urlpath.NextSegment(a)
		if y, b = urlpath.NextSegment(b); !strings.EqualFold(x, y) {
			break
		}
		n++
	}
	return n
}

// statusPages are statuses that error pages are named after.
var statusPages = []string{"400", "401", "403", "404", "405", "408", "410", "419", "422", "429", "500", "502", "503", "504"}

// staticPlaces are where sites keep their error pages.
var staticPlaces = []string{"static", "public", "assets", "page", "pages", "site", "system", "status", "statuscode", "http", "html"}

// isStatusPage recognises /404, /en/500.html and /static/404.html: the last segment
// is a status, and nothing but languages and such places stand before it.
// /orders/404 is an order.
func isStatusPage(path, last string) bool {
	name, _, _ := strings.Cut(last, ".")
	if !slices.Contains(statusPages, name) {
		return false
	}
	rest := urlpath.Trim(path)
	for {
		segment, tail := urlpath.NextSegment(rest)
		if tail == "" {
			return true
		}
		if rest = tail; !urlpath.IsLanguage(segment) && !slices.Contains(staticPlaces, strings.ToLower(segment)) {
			return false
		}
	}
}
