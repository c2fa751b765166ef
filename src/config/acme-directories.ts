/** The directories of authorities (RFC 8555 §7.1.1) that may be written as a word. */

const DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
};

export function isDirectoryWord(text: string): boolean {
  return Object.hasOwn(DIRECTORIES, text);
}

/** The URL of a directory, whether it is a word or a URL already. */
export function toDirectoryUrl(directory: string): string {
  return isDirectoryWord(directory) ? DIRECTORIES[directory]! : directory;
}
