// Addresses as they are compared. Two texts are one address only where every mail system takes them for
// one: look-alikes of other scripts, and letters that Unicode folds into ASCII, stay different or are
// refused, so that nobody signs in as somebody whose address merely looks the same.
import { domainToASCII, domainToUnicode } from 'node:url'

// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const MAX_EMAIL_CHARACTERS = 254

/**
 * What is equal for addresses that are the same: ASCII letters in lower case, the domain as IDNA
 * prints it. Undefined where the text is no address of one `@` with a domain, has a space or a
 * control character, or is not in Unicode's normal form C.
 */
export function toEmailKey(email: string): string | undefined {
  if (email.length > MAX_EMAIL_CHARACTERS || email.normalize('NFC') !== email) return undefined
  const at = email.indexOf('@')
  if (at === -1) return undefined
  const local = email.slice(0, at)
  if (!/^[^\s\p{C}\p{Z}"(),:;<>@[\]\\]{1,64}$/u.test(local)) return undefined
  const domain = toDomainKey(email.slice(at + 1))
  return domain && `${toLowerAscii(local)}@${domain}`
}

/** Undefined for whatever is spelt in any other way than the two of IDNA, and for numbers. */
function toDomainKey(domain: string): string | undefined {
  const ascii = domainToASCII(domain)
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(ascii)) return undefined
  // As the parser of URLs, which this is, reads `127.1` and `0x7f`.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(ascii)) return undefined
  // It also ends at `/`, `?` and `#`, decodes `%61`, drops what is invisible, and unfolds other scripts'
  // letters: the domain must be what comes of it, or the Unicode that stands for that.
  const isFaithful =
    toLowerAscii(domain) === ascii || domain.toLowerCase() === domainToUnicode(ascii)
  return isFaithful ? ascii : undefined
}

// Not `toLowerCase`: it makes a k of the Kelvin sign.
function toLowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
