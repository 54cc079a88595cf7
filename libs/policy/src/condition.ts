import { isJsonObject } from './json.ts';
import { suggestion } from './nearest.ts';
import { at, notText, shown, type Findings } from './problem.ts';

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

/** What an operator compares with, besides text. IAM reads numbers and booleans as their text, so these say what they mean. */
const takes = (operator: string | undefined): 'a number' | 'true or false' | undefined => {
  if (operator?.startsWith('Numeric') === true) return 'a number';
  return operator === 'Bool' || operator === 'Null' ? 'true or false' : undefined;
};

const checkValue = (operator: string | undefined, value: unknown, path: string, findings: Findings): void => {
  const also = takes(operator);
  const lawful =
    typeof value === 'string' ||
    (typeof value === 'number' && also === 'a number') ||
    (typeof value === 'boolean' && also === 'true or false');
  if (!lawful) {
    const wanted = also === undefined ? 'text or a list of texts' : `${also}, as text or not, or a list of these`;
    findings.add(path, notText(value, wanted));
    return;
  }
  if (also === 'true or false' && !/^(true|false)$/i.test(String(value))) {
    findings.add(path, `${String(operator)} compares with true or false, not with ${shown(value)}`);
  }
  if (also === 'a number' && !/^-?\d+(\.\d+)?$/.test(String(value))) {
    findings.add(path, `${String(operator)} compares with a number, not with ${shown(value)}`);
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
