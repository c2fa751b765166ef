/** All rules of an audit. Those of one severity are shown in this order. */
import { accessRules } from './access-rules.ts';
import { adminRules } from './admin-rules.ts';
import { browserRules } from './browser-rules.ts';
import type { AuditRule } from './finding.ts';
import { limitRules } from './limit-rules.ts';
import { listenerRules } from './listener-rules.ts';
import { logRules } from './log-rules.ts';
import { secretRules } from './secret-rules.ts';
import { serviceRules } from './service-rules.ts';

export const auditRules: readonly AuditRule[] = [
  ...secretRules,
  ...adminRules,
  ...listenerRules,
  ...accessRules,
  ...limitRules,
  ...browserRules,
  ...serviceRules,
  ...logRules,
];
