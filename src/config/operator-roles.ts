/** What those may do who are let into the admin API, the least first. Each may also do what those before it may. */
export const operatorRoles = ['read', 'operate', 'admin'] as const;

export type OperatorRole = (typeof operatorRoles)[number];
