import assert from 'node:assert/strict'
import { test } from 'node:test'

import { geographyHeaders } from '../../../deploy/cloudflare/worker/geography.ts'

const told = (cf) => Object.fromEntries(geographyHeaders(cf))

test('what is not known has no header', () => {
  assert.deepEqual(told({}), {})
  assert.deepEqual(told({ country: null, city: '', latitude: undefined, asn: {} }), {})
})

test('an unknown country is none, Tor is told as it is', () => {
  assert.deepEqual(told({ country: 'XX' }), {})
  assert.deepEqual(told({ country: 'T1' }), { 'x-hogflare-country': 'T1' })
})

test('names are English', () => {
  assert.equal(told({ country: 'DE' })['x-hogflare-country-name'], 'Germany')
  assert.equal(told({ country: 'CI' })['x-hogflare-country-name'], 'C%C3%B4te%20d%E2%80%99Ivoire')
  assert.equal(told({ continent: 'OC' })['x-hogflare-continent-name'], 'Oceania')
})

test('values are header bytes that decode to the same text', () => {
  for (const city of ['São Paulo', 'Łódź', '東京', 'a b\r\nx: y', '100%', '🏝']) {
    const value = told({ city })['x-hogflare-city']
    assert.match(value, /^[!-~]+$/)
    assert.equal(decodeURIComponent(value), city)
  }
  assert.equal(told({ city: 'half \ud83c' })['x-hogflare-city'], 'half%20%EF%BF%BD')
})

test('numbers are numbers', () => {
  assert.deepEqual(told({ asn: 3320, metroCode: '819' }), { 'x-hogflare-asn': '3320', 'x-hogflare-metro-code': '819' })
})
