// Addresses as they are compared. Two texts are one address only where every mail system takes them for
// one: look-alikes of other scripts, and letters that Unicode folds into ASCII, stay different or are
// refused, so that nobody signs in as somebody whose address merely looks the same.
import { domainToASCII } from 'node:url'

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
  const local = email.slice(0, at)
  const domain = email.slice(at + 1)
  if (!/^[^\s\p{C}\p{Z}"(),:;<>@[\]\\]{1,64}$/u.test(local) || /[\s@]/.test(domain))
    return undefined
  const ascii = domainToASCII(domain)
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(ascii)) return undefined
  // Not `toLowerCase`: it makes a k of the Kelvin sign.
  return `${local.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())}@${ascii}`
}
