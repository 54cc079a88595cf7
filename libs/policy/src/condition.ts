import { isJsonObject } from './json.ts';
import { suggestion } from './nearest.ts';
import { at, shown, type Findings } from './problem.ts';

const compare = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];

/** Condition operators without set prefix and IfExists. Source: IAM User Guide, Condition operators. */
const operators = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
  ...compare.map((name) => `Numeric${name}`),
  ...compare.map((name) => `Date${name}`),
  'Bool',
  'BinaryEquals',
  'IpAddress',
  'NotIpAddress',
  'ArnEquals',
  'ArnLike',
  'ArnNotEquals',
  'ArnNotLike',
  'Null',
];

const checkOperator = (operator: string, path: string, findings: Findings): string | undefined => {
  const [, prefix = '', rest = '', ifExists = ''] =
    /^(ForAllValues:|ForAnyValue:)?(.*?)(IfExists)?$/s.exec(operator) ?? [];
  if (!operators.includes(rest)) {
    findings.add(path, `unknown condition operator${suggestion(rest, operators)}`);
    return undefined;
  }
  if (rest === 'Null' && (prefix !== '' || ifExists !== '')) {
    findings.add(path, 'Null takes neither a set prefix nor IfExists');
  }
  return rest;
};

const checkValue = (operator: string | undefined, value: unknown, path: string, findings: Findings): void => {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    findings.add(path, `must be text, a number, true or false, or a list of these; it is ${shown(value)}`);
    return;
  }
  if ((operator === 'Bool' || operator === 'Null') && !/^(true|false)$/i.test(String(value))) {
    findings.add(path, `${operator} compares with true or false, not with ${shown(value)}`);
  }
  if (operator?.startsWith('Numeric') && !/^-?\d+(\.\d+)?$/.test(String(value))) {
    findings.add(path, `${operator} compares with a number, not with ${shown(value)}`);
  }
};

/** Checks a condition block: operator, then key, then one value or a list. */
export const checkCondition = (condition: unknown, path: string, findings: Findings): void => {
  if (!isJsonObject(condition)) {
    findings.add(path, `must be an object of operators; it is ${shown(condition)}`);
    return;
  }
  for (const [operator, keys] of Object.entries(condition)) {
    const operatorPath = at(path, operator);
    const known = checkOperator(operator, operatorPath, findings);
    if (!isJsonObject(keys) || Object.keys(keys).length === 0) {
      findings.add(operatorPath, `must be an object of condition keys; it is ${shown(keys)}`);
      continue;
    }
    for (const [key, value] of Object.entries(keys)) {
      const keyPath = at(operatorPath, key);
      if (!/^[A-Za-z0-9-]+:[^\s]/.test(key)) {
        findings.add(keyPath, 'a condition key looks like aws:SourceIp or s3:prefix');
      }
      if (!Array.isArray(value)) checkValue(known, value, keyPath, findings);
      else if (value.length === 0) findings.add(keyPath, 'the list of values is empty');
      else
        value.forEach((item: unknown, index) => {
          checkValue(known, item, at(keyPath, index), findings);
        });
    }
  }
};
