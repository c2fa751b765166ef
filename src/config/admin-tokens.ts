interface AdminTokens {
  readonly token?: unknown;
  readonly tokens: Readonly<Record<string, unknown>>;
}

/** Whether operators have tokens that they show to the admin API. */
export function hasTokens({ token, tokens }: AdminTokens): boolean {
  return token !== undefined || Object.keys(tokens).length > 0;
}
